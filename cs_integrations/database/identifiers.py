"""Identifiers: public ids such as ``camp_8Kq2`` and time-ordered request ids (UUIDv7)."""

import re
import secrets
import string
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import uuid_utils.compat
from django.db import models

_ALPHABET = string.digits + string.ascii_letters
_RANDOM_LENGTH = 14  # 83 bits: no coordination between workers is needed
MAX_PUBLIC_ID_LENGTH = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_public_id(prefix: str) -> str:
    """Return a fresh public id: the prefix, an underscore and letters and digits."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))}"


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
