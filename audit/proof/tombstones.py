"""Signed statements about months that were dropped: how many rows stood there, and which."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Self

from django.db import connection

from audit import keys
from audit.models import Tombstone
from audit.proof.month_proof import MonthProof

HEADING: Final = "cs-integrations audit tombstone v1"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_LINES = re.compile(
    HEADING + r"\n"
    r"table (?P<table>[a-z_]+)\n"
    r"month (?P<month>\d{4}-\d\d)\n"
    r"records (?P<records>\d{1,18})\n"
    r"digest (?P<digest>[0-9a-f]{64})\n"
    r"batches (?P<batches>\d{1,18})\n"
    r"roots (?P<roots>[0-9a-f]{64})\n"
    r"dropped (?P<dropped>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)\n"
    r"key (?P<key>[0-9a-f]{16})\n",
    re.ASCII,
)
_INSERT = """
INSERT INTO audit_tombstone
    (table_name, month, records, digest, key_id, text, signature, dropped_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""


class MalformedTombstone(ValueError):
    """A text that is no tombstone of this format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is signed about one dropped month of one table."""

    table: str
    month: date
    proof: MonthProof
    dropped_at: datetime
    key_id: str

    @property
    def text(self) -> str:
        """The exact text that is signed, in ASCII with a newline after each line."""
        return (
            f"{HEADING}\n"
            f"table {self.table}\n"
            f"month {self.month:%Y-%m}\n"
            f"records {self.proof.records}\n"
            f"digest {self.proof.digest.hex()}\n"
            f"batches {self.proof.batches}\n"
            f"roots {self.proof.roots.hex()}\n"
            f"dropped {self.dropped_at.astimezone(UTC).strftime(_TIME)}\n"
            f"key {self.key_id}\n"
        )

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Return what a text states.

        :raises MalformedTombstone: it does not state it in the one way it is written
        """
        found = _LINES.fullmatch(text)
        if found is None:
            raise MalformedTombstone("this is no tombstone of version 1")
        try:
            month = datetime.strptime(found["month"], "%Y-%m").replace(tzinfo=UTC).date()
            dropped_at = datetime.strptime(found["dropped"], _TIME).replace(tzinfo=UTC)
        except ValueError as error:
            raise MalformedTombstone("a time of the tombstone does not exist") from error
        return cls(
            table=found["table"],
            month=month,
            proof=MonthProof(
                records=int(found["records"]),
                digest=bytes.fromhex(found["digest"]),
                batches=int(found["batches"]),
                roots=bytes.fromhex(found["roots"]),
            ),
            dropped_at=dropped_at,
            key_id=found["key"],
        )


def write(*, table: str, month: date, proof: MonthProof, at: datetime) -> Statement:
    """Sign and store the tombstone of a month, under the owner's role.

    :raises KeyUnavailable: there is no signing key here
    :raises IntegrityError: the month has one already
    """
    key = keys.signing_key()
    key_id = keys.key_id_of(key.public_key())
    statement = Statement(table=table, month=month, proof=proof, dropped_at=at, key_id=key_id)
    text = statement.text
    signature = key.sign(text.encode())
    row = (table, month, proof.records, proof.digest, key_id, text, signature, at)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, row)
    return statement


def dropped_months(table: str) -> frozenset[date]:
    """Return the months of a table that have a tombstone."""
    return frozenset(Tombstone.objects.filter(table_name=table).values_list("month", flat=True))
