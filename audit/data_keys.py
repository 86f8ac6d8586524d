"""The keys of exact requests: one for each client and month; destroying one erases them."""

import time
from dataclasses import dataclass
from datetime import date, datetime
from secrets import token_bytes
from uuid import UUID

from django.db import connection

from audit import keys
from audit.models import DataKey
from cs_integrations.database.identifiers import new_request_id

CACHED_FOR_S = 60.0  # and so long a destroyed key may still be used
MAX_CACHED = 1_000
_INSERT = """
INSERT INTO audit_data_key (id, client_id, month, wrapped, created_at)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


class KeyDestroyed(Exception):
    """What this key encrypted can never be read again."""


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A data key as it is used: its id, the 32 bytes, and until when it may be remembered."""

    id: UUID
    secret: bytes
    expires: float


_by_month: dict[tuple[str, date], LiveKey] = {}
_by_id: dict[UUID, LiveKey] = {}


def current(*, client_id: str, at: datetime) -> LiveKey:
    """Return the key of the client's month, making it if this is the month's first request.

    A key made here is not remembered: its row belongs to a transaction that may yet be undone.
    """
    month = at.date().replace(day=1)
    remembered = _by_month.get((client_id, month))
    if remembered is not None and remembered.expires > time.monotonic():
        return remembered
    stored = _stored(client_id, month)
    if stored is not None:
        live = _remembered(stored)
        _by_month[client_id, month] = live
        return live
    with connection.cursor() as cursor:
        secret = keys.wrapped(token_bytes(32))
        cursor.execute(_INSERT, [new_request_id(at), client_id, month, secret, at])
    # Another request may have been first; its key is the month's.
    return _opened(DataKey.objects.get(client_id=client_id, month=month, wrapped__isnull=False))


def by_id(key_id: UUID) -> LiveKey:
    """Return the key with this id.

    :raises KeyDestroyed: it was destroyed
    :raises KeyUnavailable: no master key of the settings opens it
    """
    remembered = _by_id.get(key_id)
    if remembered is not None and remembered.expires > time.monotonic():
        return remembered
    stored = DataKey.objects.filter(pk=key_id).first()
    if stored is None or stored.wrapped is None:
        raise KeyDestroyed(f"the data key {key_id} was destroyed")
    return _remembered(stored)


def forget() -> None:
    """Forget the remembered keys of this process."""
    _by_month.clear()
    _by_id.clear()


def _stored(client_id: str, month: date) -> DataKey | None:
    return DataKey.objects.filter(
        client_id=client_id, month=month, wrapped__isnull=False
    ).first()  # fmt: skip


def _remembered(stored: DataKey) -> LiveKey:
    if len(_by_id) >= MAX_CACHED:
        forget()
    live = _by_id[stored.pk] = _opened(stored)
    return live


def _opened(stored: DataKey) -> LiveKey:
    secret = keys.unwrapped(bytes(stored.wrapped or b""))
    return LiveKey(stored.pk, secret, time.monotonic() + CACHED_FOR_S)
