"""The secret key of a development machine, made once and kept beside its database."""

import os
import secrets
from pathlib import Path

FILE_NAME = "secret_key"


def read_or_make(data_dir: Path) -> str:
    """Return the key in the data folder; make it when there is none. ``check --deploy`` refuses it."""
    path = data_dir / FILE_NAME
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(handle, "w") as file:
        key = secrets.token_urlsafe(64)
        file.write(key)
    return key
