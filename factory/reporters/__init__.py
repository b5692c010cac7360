"""One file per output format; each has `render(result) -> str`."""
