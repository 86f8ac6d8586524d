"""Print the trail's public keys, or fresh keys for a new installation."""

from base64 import urlsafe_b64encode
from secrets import token_bytes
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from audit import keys


class Command(BaseCommand):
    help = "Print the public keys that sign the audit trail: id and base64, one a line."

    def add_arguments(self, parser: CommandParser) -> None:
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--pem", action="store_true", help="print PEM instead of base64")
        form.add_argument(
            "--new",
            action="store_true",
            help="print fresh AUDIT_MASTER_KEY, AUDIT_SIGNING_KEY and AUDIT_PUBLIC_KEYS; nothing"
            " is stored",
        )

    def handle(self, *args: Any, **options: Any) -> str:
        if options["new"]:
            return "\n".join(_fresh())
        found = keys.public_keys().items()
        if options["pem"]:
            return "\n".join(f"# {key_id}\n{_pem(key)}" for key_id, key in found).rstrip()
        return "\n".join(f"{key_id} {_base64(key)}" for key_id, key in found)


def _fresh() -> list[str]:
    signing = Ed25519PrivateKey.generate()
    return [
        f"AUDIT_MASTER_KEY={_text(token_bytes(settings.AUDIT_KEY_BYTES))}",
        f"AUDIT_SIGNING_KEY={_text(signing.private_bytes_raw())}",
        f"AUDIT_PUBLIC_KEYS={_base64(signing.public_key())}",
    ]


def _pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _base64(key: Ed25519PublicKey) -> str:
    return _text(key.public_bytes_raw())


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()
