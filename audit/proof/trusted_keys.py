"""Public keys as people hand them over: base64 of the 32 bytes, or a PEM file."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from audit import keys


class NotAPublicKey(ValueError):
    """Neither base64 of an Ed25519 public key nor a file that holds one."""


def read(texts: Iterable[str]) -> Mapping[str, Ed25519PublicKey]:
    """Return the keys by their id.

    :raises NotAPublicKey: one of the texts is none
    """
    return {keys.key_id_of(key): key for key in map(_read_one, texts)}


def _read_one(text: str) -> Ed25519PublicKey:
    try:
        raw = base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))
        return Ed25519PublicKey.from_public_bytes(raw)
    except (binascii.Error, ValueError):
        return _from_file(Path(text))


def _from_file(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise NotAPublicKey(f"{path} is neither a public key in base64 nor a PEM file") from error
    if not isinstance(key, Ed25519PublicKey):
        raise NotAPublicKey(f"{path} does not hold an Ed25519 key")
    return key
