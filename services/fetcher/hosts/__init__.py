"""Hosts: the pace at which each may be asked, and what its robots.txt says."""
