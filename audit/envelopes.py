"""The exact request, encrypted: what replay sends again, and nobody reads in the database."""

import json
from dataclasses import asdict, dataclass
from secrets import token_bytes
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class EnvelopeBroken(Exception):
    """The ciphertext was changed, or belongs to another record or key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """All of a request that its meaning depends on, but for its credentials."""

    target: str  # path and query, as they came
    content_type: str
    accept: str
    idempotency_key: str
    body: bytes


def seal(envelope: Envelope, *, record_id: UUID, key: bytes) -> bytes:
    """Return the envelope under AES-256-GCM, bound to its record: nonce, then ciphertext."""
    head = asdict(envelope)
    body: bytes = head.pop("body")
    nonce = token_bytes(NONCE_BYTES)
    plaintext = json.dumps(head, separators=(",", ":")).encode() + b"\n" + body
    return nonce + AESGCM(key).encrypt(nonce, plaintext, record_id.bytes)


def opened(sealed: bytes, *, record_id: UUID, key: bytes) -> Envelope:
    """Return the envelope.

    :raises EnvelopeBroken: it is not what was sealed for this record
    """
    try:
        plaintext = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], record_id.bytes)
    except InvalidTag as error:
        raise EnvelopeBroken(f"the sealed request of {record_id} does not open") from error
    head, _, body = plaintext.partition(b"\n")
    return Envelope(**json.loads(head), body=body)
