"""Pages of entries: the visits to them, and the observations that come of these."""
