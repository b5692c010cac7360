"""Single mistakes made in sound pipelines by seed, and how well lint finds them."""
