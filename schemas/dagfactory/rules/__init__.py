"""The rules of dag-factory's documents."""
