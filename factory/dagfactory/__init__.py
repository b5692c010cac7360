"""DAGs of dag-factory documents, built by dag-factory's own builder."""
