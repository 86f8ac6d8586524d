"""Identifiers: public ids such as ``camp_8Kq2`` and time-ordered request ids (UUIDv7)."""

import hashlib
import re
import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from uuid import UUID

import uuid_utils.compat
from django.db import models

_ALPHABET = string.digits + string.ascii_letters
_RANDOM_LENGTH = 14  # 83 bits: no coordination between workers is needed
MAX_PUBLIC_ID_LENGTH = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_origin: ContextVar[tuple[UUID, Iterator[int]] | None] = ContextVar("origin", default=None)


@contextmanager
def drawn_from(request_id: UUID) -> Iterator[None]:
    """Draw the public ids made inside the block from a request's id.

    The same request then makes the same ids when it is rehearsed. They need not be secret: an
    id opens nothing.
    """
    token = _origin.set((request_id, count()))
    try:
        yield
    finally:
        _origin.reset(token)


def new_public_id(prefix: str) -> str:
    """Return a fresh public id: the prefix, an underscore and letters and digits."""
    origin = _origin.get()
    if origin is None:
        return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))}"
    request_id, numbers = origin
    digest = hashlib.sha256(request_id.bytes + f"{prefix}{next(numbers)}".encode()).digest()
    number = int.from_bytes(digest, "big")
    letters = []
    for _ in range(_RANDOM_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return f"{prefix}_{''.join(letters)}"


def public_id_pattern(prefix: str) -> str:
    """Return the regular expression of a domain object's public id."""
    return rf"^{prefix}_[0-9A-Za-z]+$"


def is_public_id(value: str, prefix: str) -> bool:
    """Say whether the text could be a public id of this kind of object."""
    return len(value) <= MAX_PUBLIC_ID_LENGTH and bool(
        re.fullmatch(rf"{prefix}_[0-9A-Za-z]+", value)
    )


def public_id_field(prefix: str) -> "models.CharField[str, str]":
    """Return the model field of a public id; new rows get a fresh one."""
    return models.CharField(
        max_length=MAX_PUBLIC_ID_LENGTH,
        unique=True,
        editable=False,
        default=partial(new_public_id, prefix),
    )


def new_request_id(at: datetime) -> UUID:
    """Return a UUIDv7 for this moment: sorts by time, and names its month's partition."""
    nanoseconds = round(at.timestamp() * 1_000_000) * 1_000
    return uuid_utils.compat.uuid7(nanoseconds=nanoseconds)


def first_request_id(at: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment; range-scans and partition bounds start here."""
    # In whole numbers: a float timestamp can fall into the millisecond before.
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (0x2 << 62))
