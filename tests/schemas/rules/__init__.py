"""Tests of the rules beside the cases of tests/cases."""
