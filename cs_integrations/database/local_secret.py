"""The secrets of a development machine, made once and kept beside its database."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

SIGNING_FILE = "secret_key"


def read_or_make(data_dir: Path, name: str = SIGNING_FILE, *, random_bytes: int = 64) -> str:
    """Return the secret of this name in the data folder; make it first if there is none."""
    path = data_dir / name
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        draft = data_dir / f"{name}.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(random_bytes))
        # Of several processes that start at once the first one's key stays.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
