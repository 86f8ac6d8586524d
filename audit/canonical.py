"""The canonical bytes of a record: its columns as PostgreSQL's binary protocol sends them.

For each column in order: four bytes of length (minus one for NULL), then the value. The service
computes them before it writes a record, and ``COPY ... (FORMAT BINARY)`` gives the same bytes
back, so what is proved is what is stored. docs/trail.md says how the proofs use them.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import psycopg
from django.db import connection

FORMAT = 1  # of the columns below; another list of columns is another format
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's
_MICROSECOND = timedelta(microseconds=1)
_NULL = b"\xff\xff\xff\xff"
_TEXT_OID = 25
_COPY_HEADER_BYTES = 19  # signature, flags, length of the (empty) extension
_COPY_TRAILER = b"\xff\xff"
MAC_BYTES = 32

_length = struct.Struct("!i").pack
_read_length = struct.Struct("!i").unpack_from


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of column: its SQL name, and its way to and from the binary form."""

    sql: str
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]


def _pack_array(values: Sequence[str]) -> bytes:
    if not values:
        return struct.pack("!iii", 0, 0, _TEXT_OID)
    items = b"".join(_field(value.encode()) for value in values)
    return struct.pack("!iiiii", 1, 0, _TEXT_OID, len(values), 1) + items


def _unpack_array(data: bytes) -> list[str]:
    if len(data) == struct.calcsize("!iii"):
        return []
    return [
        value.decode() for value in fields(data[struct.calcsize("!iiiii") :]) if value is not None
    ]


def _number(code: str) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    packer = struct.Struct(code)
    return packer.pack, lambda data: packer.unpack(data)[0]


def _pack_time(at: datetime) -> bytes:
    return struct.pack("!q", (at - _EPOCH) // _MICROSECOND)


def _unpack_time(data: bytes) -> datetime:
    microseconds: int = struct.unpack("!q", data)[0]
    return _EPOCH + timedelta(microseconds=microseconds)


def _uuid_bytes(value: UUID) -> bytes:
    return value.bytes


SMALL = Kind("smallint", *_number("!h"))
WHOLE = Kind("integer", *_number("!i"))
FLAG = Kind("boolean", *_number("!?"))
TIME = Kind("timestamptz", _pack_time, _unpack_time)
ID = Kind("uuid", _uuid_bytes, lambda data: UUID(bytes=data))
BYTES = Kind("bytea", bytes, bytes)
TEXT = Kind("text", str.encode, bytes.decode)
TEXTS = Kind("text[]", _pack_array, _unpack_array)

# Those of fixed length come first: id and body hash stand at known places.
COLUMNS: Mapping[str, Kind] = {
    "record_format": SMALL,
    "id": ID,
    "received_at": TIME,
    "answered_at": TIME,
    "body_sha256": BYTES,  # of the row in audit_body; empty when there is none
    "status": SMALL,
    "request_bytes": WHOLE,
    "request_sha256": BYTES,
    "response_bytes": WHOLE,
    "response_sha256": BYTES,
    "is_streamed": FLAG,
    "client_id": TEXT,
    "client_name": TEXT,
    "staff_user": TEXT,
    "scopes_held": TEXT,
    "scope_needed": TEXT,
    "decision": TEXT,
    "domain": TEXT,
    "operation": TEXT,
    "route": TEXT,
    "method": TEXT,
    "path": TEXT,
    "query": TEXT,
    "customer_id": TEXT,
    "object_ids": TEXTS,
    "problem_type": TEXT,
    "limit_policy": TEXT,
    "limit_remaining": WHOLE,
    "idempotency_key": TEXT,
    "idempotency_outcome": TEXT,
    "address": TEXT,
    "user_agent": TEXT,
    "client_request_id": TEXT,
    "traceparent": TEXT,
    "code_version": TEXT,
    "replay_of": ID,
    "replay_batch": TEXT,
    "replay_mode": TEXT,
    "replay_operator": TEXT,
    "mac_key": TEXT,
}
NULLABLE = frozenset({"limit_remaining", "replay_of"})
NAMES = tuple(COLUMNS)
LEAF_NAMES = (*NAMES, "mac")
SELECTED = ", ".join(f"record.{name}" for name in LEAF_NAMES)  # FROM audit_record AS record
_PACKERS = tuple((name, kind.pack) for name, kind in COLUMNS.items())
ID_PLACE = slice(10, 26)  # after the format's field and the id's own length


def packed(values: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes of a record's columns."""
    parts = []
    for name, pack in _PACKERS:
        value = values[name]
        if value is None:
            parts.append(_NULL)
        else:
            data = pack(value)
            parts += (_length(len(data)), data)
    return b"".join(parts)


def leaf(canonical: bytes, mac: bytes) -> bytes:
    """Return what is sealed: the canonical bytes and, as one more column, the MAC."""
    return canonical + _field(mac)


def split(leaf_bytes: bytes) -> tuple[bytes, bytes]:
    """Return the canonical bytes and the MAC of a leaf."""
    place = len(leaf_bytes) - MAC_BYTES
    return leaf_bytes[: place - 4], leaf_bytes[place:]


def unpacked(leaf_bytes: bytes) -> dict[str, Any]:
    """Return the columns of a leaf by name, ``mac`` among them."""
    kinds = (*COLUMNS.values(), BYTES)
    return {
        name: None if data is None else kind.unpack(data)
        for name, kind, data in zip(LEAF_NAMES, kinds, fields(leaf_bytes), strict=True)
    }


def record_id(leaf_bytes: bytes) -> UUID:
    """Return the id of the record without reading the rest."""
    return UUID(bytes=leaf_bytes[ID_PLACE])


def body_bytes(
    request: bytes, response: bytes, sealed_request: bytes, data_key: UUID | None, omitted: str
) -> bytes:
    """Return the canonical bytes of a row in ``audit_body``; the record holds their SHA-256."""
    return b"".join((
        _field(request),
        _field(response),
        _field(sealed_request),
        _NULL if data_key is None else _field(data_key.bytes),
        _field(omitted.encode()),
    ))  # fmt: skip


# The same in SQL, of a row named body.
BODY_BYTES = r"""
int4send(octet_length(body.request)) || body.request
|| int4send(octet_length(body.response)) || body.response
|| int4send(octet_length(body.sealed_request)) || body.sealed_request
|| CASE WHEN body.data_key IS NULL THEN '\xffffffff'::bytea
   ELSE int4send(16) || uuid_send(body.data_key) END
|| int4send(octet_length(body.omitted)) || convert_to(body.omitted, 'UTF8')
"""


def fields(data: bytes) -> Iterator[bytes | None]:
    """Yield the values of length-prefixed fields; None for NULL."""
    place = 0
    while place < len(data):
        (size,) = _read_length(data, place)
        place += 4
        if size < 0:
            yield None
        else:
            yield data[place : place + size]
            place += size


def copied(query: str, parameters: Sequence[Any] = ()) -> Iterator[bytes]:
    """Yield the rows of a query in the binary form, one ``bytes`` a row, in constant memory.

    Each is its fields with their lengths, so a query of ``SELECTED`` yields leaves.
    """
    with connection.cursor() as wrapped, connection.wrap_database_errors:
        cursor = cast("psycopg.Cursor[Any]", wrapped.cursor)
        with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)", parameters) as copy:
            rows = iter(copy)
            first = bytes(next(rows, b""))[_COPY_HEADER_BYTES:]
            if first and first != _COPY_TRAILER:
                yield first[2:]
            for row in rows:
                if row != _COPY_TRAILER:
                    yield bytes(row[2:])


def _field(data: bytes) -> bytes:
    return _length(len(data)) + data
