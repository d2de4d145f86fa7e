"""The operator's feeds: the file that lists them, OPML, and what may be done with them."""
