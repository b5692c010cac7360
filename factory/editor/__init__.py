"""`factory editor`: a language server for pipelines, defaults, tests and dag-factory documents."""
