"""Waiting for seals, and looking at them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection
from django.utils import timezone

from audit.models import AuditBatch
from audit.proof import batches
from tests.audit import records

WITHIN_S = 300.0  # another test's transaction holds sealing back, anywhere in the server


@contextmanager
def another_connection() -> Iterator[None]:
    """Let what runs inside the block use a connection of its own."""
    ours = connection.connection
    connection.connection = None
    try:
        connection.connect()
        yield
    finally:
        connection.close()
        connection.connection = ours


def sealed_ids(*, after: int) -> list[UUID]:
    """Return the ids that batches after this one hold, in the order of sealing."""
    made = AuditBatch.objects.filter(number__gt=after).order_by("number")
    return [
        UUID(bytes=record_id)
        for batch in made
        for record_id, _ in batches.entries(bytes(batch.leaves))
    ]


def newest_number() -> int:
    found = batches.newest()
    return found.number if found else 0


def seal_everything() -> None:
    """Seal until nothing is left, so that a test sees its own records only."""
    records.seal_all([records.written(at=timezone.now())])


def eventually(condition: Callable[[], object]) -> None:
    """Ask until the answer is yes; fail after half a minute."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
