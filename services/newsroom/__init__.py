"""A small news site of several invented outlets, whose timeline is written down in `script`."""
