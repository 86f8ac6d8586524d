"""The secret key of a development machine, made once and kept beside its database."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

FILE_NAME = "secret_key"


def read_or_make(data_dir: Path) -> str:
    """Return the key in the data folder; make one first if there is none."""
    path = data_dir / FILE_NAME
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        draft = data_dir / f"{FILE_NAME}.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        # Of several processes that start at once the first one's key stays.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
