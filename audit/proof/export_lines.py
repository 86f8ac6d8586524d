"""The lines of an NDJSON export: a record, its leaf and its receipt, and whether they agree.

The first line is :func:`header`, the last one :func:`footer`, each other one :func:`line`. A
reader needs no database: the leaf is what the record's columns are in the database, the receipt
proves the leaf, and a file without its footer was cut off.
"""

import base64
import binascii
import json
import struct
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import canonical
from audit.proof.findings import Finding, Kind, Report
from audit.proof.receipts import MalformedReceipt, Receipt

FORMAT: Final = "cs-integrations audit v1"


def header(filters: Mapping[str, str], *, at: datetime) -> dict[str, Any]:
    """Return the first line of an export made at this time of what the filters match."""
    return {
        "export": FORMAT,
        "columns": list(canonical.LEAF_NAMES),
        "filters": dict(filters),
        "exported_at": _json(at),
    }


def footer(records: int) -> dict[str, Any]:
    """Return the last line of an export of so many records."""
    return {"records": records}


def line(leaf: bytes, receipt: Receipt | None) -> dict[str, Any]:
    """Return the line of one record; no receipt means that it is not sealed yet."""
    return {
        "record": columns(leaf),
        "leaf": base64.b64encode(leaf).decode(),
        "receipt": None if receipt is None else receipt.as_json(),
    }


def columns(leaf: bytes) -> dict[str, Any]:
    """Return a record's columns as JSON values: times in ISO 8601 (UTC), bytes in hex."""
    return {name: _json(value) for name, value in canonical.unpacked(leaf).items()}


def verify_lines(lines: Iterable[str], trusted: Mapping[str, Ed25519PublicKey]) -> Report:
    """Verify an export, line by line.

    Only what is there can be checked: an export does not show which records it leaves out.
    """
    report = Report()
    seen = 0
    last: UUID | None = None
    stated: int | None = None
    for number, text in enumerate(lines, start=1):
        if number == 1:
            _check_header(report, text)
        elif stated is None and (count := _stated_records(text)) is not None:
            stated = count
        elif text.strip():
            record_id = _check_line(report, number, text, trusted)
            if last and record_id and record_id <= last:
                detail = f"line {number}: it is repeated or out of order"
                report.add(Finding(kind=Kind.REORDERED, record_id=record_id, detail=detail))
            last = record_id or last
            seen += 1
    if stated != seen:
        wanted = "its last line is missing" if stated is None else f"it had {stated:,} records"
        detail = f"the export is cut off or was changed: {wanted}, {seen:,} are here"
        report.add(Finding(kind=Kind.RECEIPT, detail=detail))
    if not report.records and not report.unsealed:
        report.notes.append("The export holds no records.")
    if report.unsealed:
        report.notes.append(f"{report.unsealed:,} records were not sealed: nothing proves them.")
    return report


def _check_header(report: Report, text: str) -> None:
    try:
        values = json.loads(text)
        is_ours = (values["export"], values["columns"]) == (FORMAT, list(canonical.LEAF_NAMES))
    except (ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        detail = f"line 1: this is no export of the format {FORMAT!r}"
        report.add(Finding(kind=Kind.RECEIPT, detail=detail))


def _stated_records(text: str) -> int | None:
    """Return the count in a footer; None of any other line."""
    if not text.startswith('{"records"'):
        return None
    try:
        values = json.loads(text)
    except ValueError:
        return None
    count = values["records"]
    return count if values == footer(count) and isinstance(count, int) else None


def _check_line(
    report: Report, number: int, text: str, trusted: Mapping[str, Ed25519PublicKey]
) -> UUID | None:
    """Check one record; return its id, if it can be read."""
    record_id: UUID | None = None
    try:
        values = json.loads(text)
        leaf = base64.b64decode(values["leaf"], validate=True)
        stated = columns(leaf)
        record_id = UUID(stated["id"])
        receipt = None if values["receipt"] is None else Receipt.from_json(values["receipt"])
        fault = "" if values["record"] == stated else "its members differ from its leaf"
    except (ValueError, KeyError, TypeError, binascii.Error, struct.error, MalformedReceipt):
        fault = "the line is malformed"
        receipt = None
    else:
        report.records += receipt is not None
        report.unsealed += receipt is None
        if not fault and receipt is not None:
            fault = receipt.fault(leaf, trusted)
    if fault:
        finding = Finding(kind=Kind.RECEIPT, record_id=record_id, detail=f"line {number}: {fault}")
        report.add(finding)
    return record_id


def _json(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID) else value
