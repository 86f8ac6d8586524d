"""Legal holds: reasons to keep a month, or all of them, beyond their time."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection
from django.db.models import Q

from audit.models import LegalHold
from audit.owner import Refused

_PLACE = """
INSERT INTO audit_legal_hold (month, reason, placed_by, placed_at)
VALUES (%s, %s, %s, %s) RETURNING id
"""
_RELEASE = """
UPDATE audit_legal_hold SET released_by = %s, released_at = %s
WHERE id = %s AND released_at IS NULL
"""


class NoSuchHold(Refused):
    """There is no hold with this number that is in force."""


class UnderHold(Refused):
    """A legal hold keeps what was to be dropped or erased."""


def place(*, month: date | None, reason: str, operator: str, at: datetime) -> int:
    """Place a hold on a month, or on all with ``month=None``; return its number."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, [month, reason, operator, at])
        (number,) = cursor.fetchone() or (0,)
    return int(number)


def release(*, number: int, operator: str, at: datetime) -> None:
    """Release a hold; it stays in the list, with who released it.

    :raises NoSuchHold: it was never placed, or is released
    """
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [operator, at, number])
        if cursor.rowcount == 0:
            raise NoSuchHold(f"there is no hold {number} in force")


def listed() -> Sequence[LegalHold]:
    """Return all holds ever placed, in order."""
    return list(LegalHold.objects.order_by("id"))


def refuse_if_held(month: date) -> None:
    """Refuse to touch a month that a hold in force covers.

    :raises UnderHold: it does
    """
    covering = LegalHold.objects.filter(Q(month=month) | Q(month=None), released_at=None).order_by(
        "id"
    )
    texts = [f"{hold.pk} ({hold.reason})" for hold in covering]
    if texts:
        raise UnderHold(f"{month:%Y-%m} is under legal hold {', '.join(texts)}")


def keep_as_they_are() -> None:
    """Let nobody place or release a hold until the transaction that is open ends.

    What is about to be destroyed then cannot come under a hold in the same moment.
    """
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE audit_legal_hold IN SHARE MODE")
