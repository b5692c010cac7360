"""A real language server for YAML, as editors start it."""
