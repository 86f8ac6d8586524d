"""A fast keyed hash for client secrets.

A client secret is 128 random characters, so a slow hash protects nothing that its length
does not; a password hash would make each token call cost a third of a second.
"""

from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare, salted_hmac


class KeyedSecretHasher(BasePasswordHasher):
    """HMAC-SHA256 of the secret under ``SECRET_KEY``; a stolen table alone verifies nothing."""

    algorithm = "keyed_sha256"

    def encode(self, password: str, salt: str) -> str:
        digest = salted_hmac(f"{__name__}:{salt}", password, algorithm="sha256").hexdigest()
        return f"{self.algorithm}${salt}${digest}"

    def decode(self, encoded: str) -> dict[str, str]:
        algorithm, salt, digest = encoded.split("$", 2)
        return {"algorithm": algorithm, "salt": salt, "hash": digest}

    def verify(self, password: str, encoded: str) -> bool:
        return constant_time_compare(encoded, self.encode(password, self.decode(encoded)["salt"]))

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        return {"algorithm": self.algorithm, "salt": self.decode(encoded)["salt"][:4] + "…"}

    def must_update(self, encoded: str) -> bool:
        return False

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Do nothing: there is one cost."""
