"""The web: a guarded HTTP client, and what an answer says by its transport."""
