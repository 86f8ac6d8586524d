"""Verify the trail, part of it, or an export."""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.utils.dateparse import parse_datetime

from audit import keys
from audit.keys import KeyUnavailable
from audit.proof import checkpoints, export_lines, trusted_keys
from audit.proof.checkpoints import MalformedCheckpoint, SignedCheckpoint
from audit.proof.findings import Report
from audit.proof.matching import FIRST_ID, LAST_ID, before
from audit.proof.trusted_keys import NotAPublicKey
from audit.proof.verification import verify
from cs_integrations.database.identifiers import first_request_id

FOUND, COULD_NOT = 1, 2  # exit codes


def moment(text: str) -> datetime:
    """Return the time that an ISO 8601 text names; a date is its first moment, without zone UTC."""
    try:
        found = parse_datetime(text) or datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a time such as 2026-11-23") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def end_moment(text: str) -> datetime:
    """Return the same, but for a date the end of that day, as the filters of an export do."""
    found = moment(text)
    is_day = len(text.strip()) == len("2026-11-23")
    return found + timedelta(days=1) if is_day else found


class Command(BaseCommand):
    help = (
        "Verify the audit trail against its signed checkpoints. Exit code 0: nothing found;"
        " 1: something is wrong; 2: it could not be verified."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_argument_group("which records (default: all)")
        which.add_argument("--from", dest="start", type=moment, metavar="TIME", help="received at")
        which.add_argument(
            "--to", dest="end", type=end_moment, metavar="TIME", help="received before"
        )
        which.add_argument("--id", dest="record_id", type=UUID, help="one record")
        which.add_argument(
            "--export", type=Path, metavar="FILE", help="an NDJSON export; needs no database"
        )
        parser.add_argument(
            "--public-key",
            dest="public_keys",
            action="append",
            metavar="KEY|FILE",
            help="trust only this key (base64 or a PEM file; may be repeated), and use no"
            " master key: MACs of records that are not sealed yet are not checked",
        )
        parser.add_argument(
            "--checkpoint",
            dest="kept",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="a checkpoint kept elsewhere, or a directory of them",
        )
        parser.add_argument("--no-bodies", action="store_true", help="leave the bodies out")
        parser.add_argument(
            "--allow-unsealed",
            action="store_true",
            help="of an export: let records pass that were not sealed yet, which nothing proves",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self._verified(options)
        except (
            NotAPublicKey,
            MalformedCheckpoint,
            KeyUnavailable,
            OSError,
            UnicodeDecodeError,
            Error,
        ) as error:
            raise CommandError(str(error).strip(), returncode=COULD_NOT) from error
        record_id = options["record_id"]
        if record_id and report.is_clean and not (report.records or report.unsealed):
            gone = "its month was dropped" if report.dropped else "no batch ever held it"
            raise CommandError(f"There is no record {record_id}: {gone}.", returncode=COULD_NOT)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        else:
            self._print(report)
        if options["export"] and report.unsealed and not options["allow_unsealed"]:
            raise CommandError(
                f"Nothing proves {report.unsealed:,} records: they were exported before they were"
                " sealed. --allow-unsealed takes them as they are.",
                returncode=FOUND,
            )
        if not report.is_clean:
            count = sum(report.counts.values())
            raise CommandError(f"The trail does not verify: {count:,} findings.", returncode=FOUND)

    def _verified(self, options: dict[str, Any]) -> Report:
        given = options["public_keys"]
        trusted = trusted_keys.read(given) if given else keys.public_keys()
        if not trusted:
            raise NotAPublicKey("no public key: set AUDIT_PUBLIC_KEYS or pass --public-key")
        if options["export"]:
            if any(options[name] for name in ("record_id", "start", "end", "kept")):
                raise CommandError(
                    "--export is verified as a whole: no --id, --from, --to or --checkpoint.",
                    returncode=COULD_NOT,
                )
            with options["export"].open() as lines:
                return export_lines.verify_lines(lines, trusted)
        low, high = self._range(options)
        return verify(
            trusted=trusted,
            low=low,
            high=high,
            with_bodies=not options["no_bodies"],
            with_macs=not given,
            kept=_kept(options["kept"]),
        )

    @staticmethod
    def _range(options: dict[str, Any]) -> tuple[UUID, UUID]:
        record_id = options["record_id"]
        if record_id is not None:
            return record_id, record_id
        start, end = options["start"], options["end"]
        low = first_request_id(start) if start else FIRST_ID
        return low, before(first_request_id(end)) if end else LAST_ID

    def _print(self, report: Report) -> None:
        for finding in report.findings:
            self.stdout.write(str(finding))
        hidden = sum(report.counts.values()) - len(report.findings)
        if hidden:
            self.stdout.write(f"... and {hidden:,} more.")
        for note in report.notes:
            self.stdout.write(note)
        self.stdout.write(
            f"Looked at {report.batches:,} batches, {report.records:,} sealed records,"
            f" {report.unsealed:,} that are not sealed,"
            f" {report.dropped:,} that were dropped with their month."
        )
        if report.is_clean:
            self.stdout.write("Nothing is wrong.")


def _kept(places: Sequence[Path]) -> list[SignedCheckpoint]:
    """Return the checkpoints of the files and directories; a place without any is a mistake."""
    kept = []
    for place in places:
        notes = checkpoints.read_notes(place)
        if not notes:
            raise MalformedCheckpoint(f"{place} holds no checkpoint")
        kept += notes
    return kept
