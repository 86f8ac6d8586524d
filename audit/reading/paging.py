"""Pages of records, newest first, each beginning where the one before ended.

A cursor is the id of the last record shown. It is a place, not a promise: it works with other
filters too, and records that are added meanwhile stand before it, so none is shown twice.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from audit.models import AuditRecord
from audit.reading.filters import InvalidFilter

CURSOR = "cursor"
LIMIT = "limit"
DEFAULT_LIMIT = 50
MAX_LIMIT = 100
CURSOR_LENGTH = 22  # 16 bytes in base64 without padding


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and the cursor of those that follow; None when these are the last."""

    records: Sequence[AuditRecord]
    next_cursor: str | None


def page(records: QuerySet[AuditRecord], *, after: UUID | None, limit: int) -> Page:
    """Return the newest of the records that are older than ``after``; one query."""
    if after is not None:
        records = records.filter(id__lt=after)
    found = list(records.order_by("-id")[: limit + 1])
    shown = found[:limit]
    return Page(shown, cursor_of(shown[-1].id) if len(found) > limit else None)


def cursor_of(record_id: UUID) -> str:
    """Return the cursor of what follows this record."""
    return base64.urlsafe_b64encode(record_id.bytes).decode().rstrip("=")


def place_of(cursor: str) -> UUID:
    """Return the id that a cursor stands for.

    :raises InvalidFilter: it is none of ours
    """
    try:
        place = UUID(bytes=base64.urlsafe_b64decode(f"{cursor[: CURSOR_LENGTH + 1]}=="))
    except (ValueError, binascii.Error):
        place = None
    if place is None or cursor_of(place) != cursor:
        raise InvalidFilter(CURSOR, "cursor", "cursor must be the next_cursor of an earlier page.")
    return place


def limit_of(text: str) -> int:
    """Return how many records a page shall have.

    :raises InvalidFilter: it is no whole number from 1 to 100
    """
    limit = int(text) if text.isascii() and text.isdigit() and len(text) <= len("100") else 0
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidFilter(LIMIT, "range", f"limit must be a whole number from 1 to {MAX_LIMIT}.")
    return limit
