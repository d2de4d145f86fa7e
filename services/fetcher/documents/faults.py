"""What may be wrong with a feed document that is read all the same."""

from enum import StrEnum


class Fault(StrEnum):
    """See docs/operations.md for each."""

    INVALID_BYTES = "invalid_bytes"
    WRONG_ENCODING = "wrong_encoding"
    UNKNOWN_ENCODING = "unknown_encoding"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    WRAPPED = "wrapped"
    NOT_WELL_FORMED = "not_well_formed"
    OVERSIZED = "oversized"
    TRUNCATED = "truncated"
    ENTRIES_CUT = "entries_cut"
    REPEATED_ENTRIES = "repeated_entries"
