"""What more than one service uses; what only one uses does not belong here."""

__version__ = "0.1.0"
