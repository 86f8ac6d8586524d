"""Signed statements about a batch: how many records, under which root, after which statement."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HEADING: Final = "cs-integrations audit checkpoint v1"
NOTHING_BEFORE: Final = bytes(32)  # what the first checkpoint calls its previous
_SIGNATURE_MARK = "\nsignature "
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LINES = re.compile(
    HEADING + r"\n"
    r"batch (?P<batch>[1-9]\d{0,17})\n"
    r"records (?P<records>[1-9]\d{0,17})\n"
    r"total (?P<total>[1-9]\d{0,17})\n"
    r"root (?P<root>[0-9a-f]{64})\n"
    r"previous (?P<previous>[0-9a-f]{64})\n"
    r"ids (?P<first_id>" + _ID + r") (?P<last_id>" + _ID + r")\n"
    r"end (?P<end_xact>\d{1,19}) (?P<end_id>" + _ID + r")\n"
    r"sealed (?P<sealed>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)\n"
    r"key (?P<key>[0-9a-f]{16})\n",
    re.ASCII,
)
_NOTES = re.compile(rf"^{HEADING}\n.*?^signature .*?$\n?", re.MULTILINE | re.DOTALL)


class MalformedCheckpoint(ValueError):
    """A text that is no checkpoint of this format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is signed about one batch.

    ``total`` counts the records of this batch and all before it; ``previous`` is the
    :attr:`digest` of the checkpoint before, or :data:`NOTHING_BEFORE`. ``first_id`` and
    ``last_id`` are the smallest and the largest id; up to ``end_xact`` and ``end_id`` every
    record was looked at.
    """

    batch: int
    records: int
    total: int
    root: bytes
    previous: bytes
    first_id: UUID
    last_id: UUID
    end_xact: int
    end_id: UUID
    sealed_at: datetime
    key_id: str

    @property
    def text(self) -> str:
        """The exact text that is signed, in ASCII with a newline after each line."""
        return (
            f"{HEADING}\n"
            f"batch {self.batch}\n"
            f"records {self.records}\n"
            f"total {self.total}\n"
            f"root {self.root.hex()}\n"
            f"previous {self.previous.hex()}\n"
            f"ids {self.first_id} {self.last_id}\n"
            f"end {self.end_xact} {self.end_id}\n"
            f"sealed {self.sealed_at.astimezone(UTC).strftime(_TIME)}\n"
            f"key {self.key_id}\n"
        )

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Return the checkpoint that a text states.

        :raises MalformedCheckpoint: it does not state one, or not in the one way it is written
        """
        found = _LINES.fullmatch(text)
        if found is None:
            raise MalformedCheckpoint("this is no checkpoint of version 1")
        try:
            sealed_at = datetime.strptime(found["sealed"], _TIME).replace(tzinfo=UTC)
        except ValueError as error:
            raise MalformedCheckpoint("the time of sealing does not exist") from error
        return cls(
            batch=int(found["batch"]),
            records=int(found["records"]),
            total=int(found["total"]),
            root=bytes.fromhex(found["root"]),
            previous=bytes.fromhex(found["previous"]),
            first_id=UUID(found["first_id"]),
            last_id=UUID(found["last_id"]),
            end_xact=int(found["end_xact"]),
            end_id=UUID(found["end_id"]),
            sealed_at=sealed_at,
            key_id=found["key"],
        )


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint's text with its Ed25519 signature, as it is stored and handed on."""

    text: str
    signature: bytes

    @property
    def note(self) -> str:
        """The form for the second place: the text, an empty line, the signature in base64."""
        return f"{self.text}{_SIGNATURE_MARK}{base64.b64encode(self.signature).decode()}\n"

    @classmethod
    def from_note(cls, note: str) -> Self:
        """Return what :attr:`note` wrote.

        :raises MalformedCheckpoint: it is not of that form
        """
        text, mark, signature = note.partition(_SIGNATURE_MARK)
        try:
            decoded = base64.b64decode(signature.removesuffix("\n"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedCheckpoint("the signature is not base64") from error
        if not mark:
            raise MalformedCheckpoint("the signature is missing")
        return cls(text=text, signature=decoded)

    def statement(self) -> Checkpoint:
        """Return what the text states, whoever signed it.

        :raises MalformedCheckpoint: the text is none
        """
        return Checkpoint.parsed(self.text)

    def is_signed_by(self, trusted: Mapping[str, Ed25519PublicKey]) -> bool:
        """Say whether the key that the text names is trusted and made the signature."""
        try:
            key = trusted[self.statement().key_id]
        except (MalformedCheckpoint, KeyError):
            return False
        return _is_signature(self, key.public_bytes_raw())


@lru_cache(maxsize=256)  # neighbors in an export share their checkpoint
def _is_signature(signed: SignedCheckpoint, key: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signed.signature, signed.text.encode())
    except InvalidSignature:
        return False
    return True


def digest(text: str) -> bytes:
    """Return what the next checkpoint calls its previous."""
    return sha256(text.encode()).digest()


def signed(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> SignedCheckpoint:
    """Sign a checkpoint; its ``key_id`` must be that of the key."""
    text = checkpoint.text
    return SignedCheckpoint(text=text, signature=key.sign(text.encode()))


def file_name(batch: int) -> str:
    """Return a checkpoint's name in the second place; names sort like batches."""
    return f"checkpoint-{batch:012d}.txt"


def read_notes(place: Path) -> list[SignedCheckpoint]:
    """Read the checkpoints of a file, or of all files of a directory, in the order of batches.

    :raises OSError: it cannot be read
    :raises MalformedCheckpoint: a file is none; the message begins with its name
    """
    files = sorted(place.glob("checkpoint-*.txt")) if place.is_dir() else [place]
    notes = []
    for file in files:
        try:
            of_file = [
                SignedCheckpoint.from_note(note) for note in _NOTES.findall(file.read_text())
            ]
            for note in of_file:
                note.statement()
        except ValueError as error:
            raise MalformedCheckpoint(f"{file.name}: {error}") from error
        if not of_file:
            raise MalformedCheckpoint(f"{file.name}: there is no checkpoint in it")
        notes += of_file
    return notes
