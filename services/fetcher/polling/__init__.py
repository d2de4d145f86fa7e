"""Polls: when a feed is asked, what its answer means, and what of it is stored."""
