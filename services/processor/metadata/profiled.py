"""Metadata of a page that was read by a profile: what the resolver found, and what only the profile points at. Pure."""

from dataclasses import replace

from services.processor.metadata.moments import read_moment
from services.processor.metadata.resolver import Metadata
from services.processor.page.stated import Stated


def with_stated(metadata: Metadata, stated: Stated) -> Metadata:
    """`metadata`, where it lacks a value with that of `stated`."""
    changed = read_moment(stated.modified, stated.origin, metadata.published)
    whole = replace(
        metadata,
        modified=metadata.modified or changed,
        section=metadata.section or stated.section,
        tags=metadata.tags or stated.tags,
    )
    new = [name for name in ("modified", "section", "tags") if getattr(whole, name) != getattr(metadata, name)]
    return replace(whole, fields={**metadata.fields, **dict.fromkeys(new, stated.origin)})
