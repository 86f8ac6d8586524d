"""Exports of the trail with the proofs inside, oldest first, in constant memory.

Records are read in pages by their key, each page by a statement of its own: an export of any
size holds no snapshot open, which would hold sealing back, and stays below the limit that a
statement of a serving connection has. When the database fails amid an export the error leaves
the iterator, so that the connection ends and a cut file is not taken for a whole one.
"""

import csv
import io
import json
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from audit import canonical, months
from audit.models import AuditRecord
from audit.proof import export_lines
from audit.proof.checkpoints import MalformedCheckpoint
from audit.proof.receipts import Receipt, Receipts
from audit.reading.filters import RecordFilter

PAGE_RECORDS = 1000
CHUNK_RECORDS = 100  # of a page: what is sent at once
CSV_COLUMNS = (*canonical.LEAF_NAMES, "leaf", "batch", "receipt")
# A spreadsheet takes a cell that begins like this for a formula. The apostrophe is in the list
# because it defuses the others: a reader takes one off wherever it finds one.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")
_LEAF_AT = 12  # after the field of the xact
_xact = struct.Struct("!q").unpack_from


class Format(StrEnum):
    """The forms that an export comes in."""

    NDJSON = "ndjson"
    CSV = "csv"

    @property
    def media_type(self) -> str:
        return "text/csv" if self is Format.CSV else "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Exported:
    """A record as it is stored, and the proof that it was sealed, if it was."""

    leaf: bytes
    receipt: Receipt | None


def bounded(selection: RecordFilter, *, at: datetime) -> RecordFilter:
    """Return the filter for records received before ``at``: an export does not chase new ones."""
    end = at if selection.end is None else min(at, selection.end)
    return replace(selection, end=end)


def export(
    selection: RecordFilter,
    *,
    form: Format,
    at: datetime,
    visible: QuerySet[AuditRecord] | None = None,
    page_records: int = PAGE_RECORDS,
    on_records: Callable[[int], None] = lambda _: None,
) -> Iterator[bytes]:
    """Yield the export of the records that match and were received before ``at``.

    ``on_records`` is told of each page how many records it had.

    :raises DatabaseError: amid the export, when the database fails
    """
    limited = bounded(selection, at=at)
    records = limited.matching(AuditRecord.objects.all() if visible is None else visible)
    read = pages(records, page_records=page_records)
    if form is Format.CSV:
        return _csv(read, on_records)
    return _ndjson(read, on_records, header=export_lines.header(limited.as_parameters(), at=at))


def pages(
    records: QuerySet[AuditRecord], *, page_records: int = PAGE_RECORDS
) -> Iterator[Sequence[Exported]]:
    """Yield the records with their receipts, oldest first, so many at a time."""
    receipts = Receipts()
    last: UUID | None = None
    while True:
        following = records if last is None else records.filter(id__gt=last)
        with months.in_place():
            rows = list(_rows(following.order_by("id")[:page_records]))
        places = [(_xact(row, 4)[0], canonical.record_id(row[_LEAF_AT:])) for row in rows]
        if places:
            proofs = receipts.of(places)
            yield [Exported(row[_LEAF_AT:], proof) for row, proof in zip(rows, proofs, strict=True)]
            last = places[-1][1]
        if len(rows) < page_records:
            return


def written_whole(output: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that is there when it is whole, and only then.

    :raises OSError: it cannot be written
    """
    with NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}.", delete=False) as file:
        try:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(output)
        except BaseException:
            Path(file.name).unlink()
            raise


def estimated_count(selection: RecordFilter, *, at: datetime) -> int:
    """Return about how many records an export has, as the database's planner guesses."""
    matching = bounded(selection, at=at).matching(AuditRecord.objects.all())
    query, parameters = matching.values_list("id").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query}", parameters)
        plan = cursor.fetchone()[0]
    return int((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


def _rows(records: QuerySet[AuditRecord]) -> Iterator[bytes]:
    """Yield xact and leaf of the records, as the binary protocol has them."""
    columns = records.values_list("xact", *canonical.LEAF_NAMES)
    return canonical.copied(*columns.query.sql_with_params())


def _ndjson(
    read: Iterator[Sequence[Exported]], on_records: Callable[[int], None], *, header: dict[str, Any]
) -> Iterator[bytes]:
    count = 0
    yield _line(header)
    for page in read:
        for chunk in _chunks(page):
            yield b"".join(_line(export_lines.line(item.leaf, item.receipt)) for item in chunk)
        count += len(page)
        on_records(len(page))
    yield _line(export_lines.footer(count))


def _csv(read: Iterator[Sequence[Exported]], on_records: Callable[[int], None]) -> Iterator[bytes]:
    yield _csv_text([CSV_COLUMNS])
    for page in read:
        for chunk in _chunks(page):
            yield _csv_text([_csv_row(item) for item in chunk])
        on_records(len(page))


def _chunks(page: Sequence[Exported]) -> Iterator[Sequence[Exported]]:
    for start in range(0, len(page), CHUNK_RECORDS):
        yield page[start : start + CHUNK_RECORDS]


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _csv_row(item: Exported) -> list[str]:
    line = export_lines.line(item.leaf, item.receipt)
    receipt = "" if item.receipt is None else _json(line["receipt"])
    values = line["record"].values()
    return [_cell(value) for value in (*values, line["leaf"], _batch(item.receipt), receipt)]


def _batch(receipt: Receipt | None) -> int | None:
    try:
        return None if receipt is None else receipt.signed.statement().batch
    except MalformedCheckpoint:  # the receipt is shown as it is; verifying it says what is wrong
        return None


def _cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet computes; lists as JSON, null as nothing."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else _json(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _csv_text(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
