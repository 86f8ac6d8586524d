"""The second place: copies of checkpoints outside the database, one file a batch.

Only such a copy shows that the newest batches were cut off, or that all were made anew.
"""

import logging
import os
from pathlib import Path

from audit.models import AuditBatch
from audit.proof import batches, checkpoints

logger = logging.getLogger(__name__)


class SecondPlace:
    """A directory that gets each checkpoint once its batch is committed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        names = (file.stem.rpartition("-")[2] for file in directory.glob("checkpoint-*.txt"))
        self._newest = max((int(name) for name in names if name.isdecimal()), default=0)

    def catch_up(self) -> int:
        """Write the checkpoints that are not there yet, and return how many those were.

        Also those that a sealer that was killed left out. Logs an alarm when the newest one
        that is there is not in the trail.

        :raises OSError: they cannot be written
        """
        self._compare_newest()
        later = AuditBatch.objects.defer("leaves").filter(number__gt=self._newest)
        count = 0
        for batch in later.order_by("number").iterator(chunk_size=500):
            self._write(batch.number, batches.signed_checkpoint(batch).note)
            self._newest = batch.number
            count += 1
        return count

    def _compare_newest(self) -> None:
        if not self._newest:
            return
        stored = AuditBatch.objects.defer("leaves").filter(number=self._newest).first()
        kept = (self.directory / checkpoints.file_name(self._newest)).read_text()
        if stored is None or batches.signed_checkpoint(stored).note != kept:
            logger.error("ALARM audit checkpoint not in the trail batch=%d", self._newest)

    def _write(self, number: int, note: str) -> None:
        """Write a file that is there whole or not at all, also after a crash."""
        path = self.directory / checkpoints.file_name(number)
        draft = path.with_suffix(f".{os.getpid()}.draft")
        with draft.open("w") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        directory = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
