"""The keys of the trail: one master key for MACs and data keys, one pair for signatures.

The settings name them; docs/trail.md says who needs which. Of several master keys the first
writes and all read, so that a key can be changed while old records stay readable.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

KEY_ID_LENGTH = 16  # hex digits of a SHA-256


class KeyUnavailable(Exception):
    """A key that is needed here is not among those that the settings name."""


def mac_key_id() -> str:
    """Return the id of the key that new records are authenticated with."""
    return next(iter(_mac_keys()))


def mac(canonical: bytes) -> bytes:
    """Return the HMAC-SHA256 of a record's canonical bytes."""
    return hmac.digest(next(iter(_mac_keys().values())), canonical, "sha256")


def mac_fits(canonical: bytes, given: bytes, *, key_id: str) -> bool:
    """Say whether the MAC is that of these bytes.

    :raises KeyUnavailable: the settings do not name the key
    """
    key = _mac_keys().get(key_id)
    if key is None:
        raise KeyUnavailable(f"no AUDIT_MASTER_KEY has the id {key_id}")
    return hmac.compare_digest(hmac.digest(key, canonical, "sha256"), given)


def keyed_digest(data: bytes) -> str:
    """Return a digest that tells equal values and cannot be guessed back without the key."""
    return hmac.digest(_derived(settings.AUDIT_MASTER_KEYS[0], b"hashed members"), data, "sha256")[
        :16
    ].hex()


def wrapped(data_key: bytes) -> bytes:
    """Return a data key as it may be stored (RFC 3394, under the first master key)."""
    return aes_key_wrap(_derived(settings.AUDIT_MASTER_KEYS[0], b"data keys"), data_key)


def unwrapped(stored: bytes) -> bytes:
    """Return a stored data key.

    :raises KeyUnavailable: none of the master keys wrapped it
    """
    for master in settings.AUDIT_MASTER_KEYS:
        try:
            return aes_key_unwrap(_derived(master, b"data keys"), stored)
        except InvalidUnwrap:
            continue
    raise KeyUnavailable("no AUDIT_MASTER_KEY opens this data key")


def signing_key() -> Ed25519PrivateKey:
    """Return the key that checkpoints and tombstones are signed with.

    :raises KeyUnavailable: this installation only verifies
    """
    if not settings.AUDIT_SIGNING_KEY:
        raise KeyUnavailable("AUDIT_SIGNING_KEY is not set")
    return Ed25519PrivateKey.from_private_bytes(settings.AUDIT_SIGNING_KEY)


def public_keys() -> Mapping[str, Ed25519PublicKey]:
    """Return the keys whose signatures are trusted, by their id."""
    keys = [Ed25519PublicKey.from_public_bytes(raw) for raw in settings.AUDIT_PUBLIC_KEYS]
    if settings.AUDIT_SIGNING_KEY:
        keys.append(signing_key().public_key())
    return {key_id_of(key): key for key in keys}


def key_id_of(key: Ed25519PublicKey) -> str:
    """Return the id of a public key: the first 16 hex digits of its SHA-256."""
    return _id(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _mac_keys() -> Mapping[str, bytes]:
    return {_mac_id(master): _mac_key(master) for master in settings.AUDIT_MASTER_KEYS}


@cache
def _mac_key(master: bytes) -> bytes:
    return _derived(master, b"record mac")


@cache
def _mac_id(master: bytes) -> str:
    return _id(_mac_key(master))


@cache
def _derived(master: bytes, purpose: bytes) -> bytes:
    """Return the key for one purpose: no key does two things."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(master)


def _id(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:KEY_ID_LENGTH]
