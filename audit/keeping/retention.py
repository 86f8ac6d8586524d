"""Retention: whole months of the trail are made ahead, and dropped when their time is over.

All of it runs under the owner's role (:func:`audit.owner.as_owner`). Only partitions are
dropped; batches and their leaf lists stay, so that the chain of checkpoints verifies for ever.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection

from audit import keys, months
from audit.keeping import holds
from audit.keeping.erasure import destroy_month
from audit.keeping.holds import UnderHold
from audit.months import BODIES, RECORDS, TABLES
from audit.owner import Refused, TrailBusy, briefly_waiting
from audit.proof import month_proof, tombstones
from audit.proof.month_proof import MonthProof, NotProved
from cs_integrations.database import partitions

LOCK_NAME = "audit retention"


class AlreadyRunning(Refused):
    """Another retention is at work."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, or would be."""

    text: str
    is_refused: bool = False  # it is due, and could not be done


def run(*, at: datetime, is_dry_run: bool = False) -> Iterator[Step]:
    """Do what is due at this time, or say what would be done, step by step.

    Safe to repeat: what is done is not done again.

    :raises AlreadyRunning: another retention is at work
    :raises KeyUnavailable: there is no signing key here
    """
    keys.signing_key()
    with _alone():
        yield from _made_ahead(at, is_dry_run=is_dry_run)
        for table in TABLES:
            yield from _default_emptied(table, is_dry_run=is_dry_run)
        bodies = set(months.present(BODIES))
        for month in due(BODIES, at=at):
            step = _dropped(BODIES, month, at=at, is_dry_run=is_dry_run)
            yield step
            if not step.is_refused:
                bodies.remove(month)
        for month in due(RECORDS, at=at):
            if month in bodies:
                yield _kept(RECORDS, month, "its bodies are still kept")
            else:
                yield _dropped(RECORDS, month, at=at, is_dry_run=is_dry_run)


def kept_until(table: str, month: date) -> datetime:
    """Return when the youngest row of a month has had its time."""
    end = partitions.end_of(month)
    if table == BODIES:
        return end + timedelta(days=settings.AUDIT_BODY_DAYS)
    return end.replace(year=end.year + settings.AUDIT_RECORD_YEARS)


def due(table: str, *, at: datetime) -> list[date]:
    """Return the months of a table that are past their time in whole, oldest first."""
    return [month for month in months.present(table) if kept_until(table, month) <= at]


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [LOCK_NAME])
        (is_free,) = cursor.fetchone() or (False,)
    if not is_free:
        raise AlreadyRunning("another audit_retention is at work")
    try:
        yield
    finally:
        if connection.is_usable():  # a lost connection has lost its lock
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LOCK_NAME])


def _made_ahead(at: datetime, *, is_dry_run: bool) -> Iterator[Step]:
    try:
        with briefly_waiting():
            made = months.make_missing(connection, today=at.date(), is_dry_run=is_dry_run)
    except TrailBusy as reason:
        yield Step(f"made no months ahead: {reason}", is_refused=True)
    else:
        yield from (Step(f"{_verb('made', is_dry_run=is_dry_run)} {name}") for name in made)


def _default_emptied(table: str, *, is_dry_run: bool) -> Iterator[Step]:
    default = partitions.default_name(table)
    waiting = months.waiting(table)
    gone = tombstones.dropped_months(table)
    late = [month for month in waiting if month in gone]
    movable = [month for month in waiting if month not in gone]
    if movable:
        yield _moved(table, movable, is_dry_run=is_dry_run)
    for month in late:
        yield Step(
            f"kept {default}: rows of {month:%Y-%m} came after it was dropped", is_refused=True
        )


def _moved(table: str, waiting: Sequence[date], *, is_dry_run: bool) -> Step:
    names = ", ".join(f"{month:%Y-%m}" for month in waiting)
    default = partitions.default_name(table)
    if is_dry_run:
        return Step(f"would have moved {names} out of {default}")
    try:
        rows = months.empty_default(table, months=waiting)
    except TrailBusy as reason:
        return Step(f"kept {default}: {reason}", is_refused=True)
    return Step(f"moved {names} out of {default} (rows: {rows:,})")


def _dropped(table: str, month: date, *, at: datetime, is_dry_run: bool) -> Step:
    try:
        proof = _drop(table, month, at=at, is_dry_run=is_dry_run)
    except (UnderHold, NotProved, TrailBusy) as reason:
        return _kept(table, month, str(reason))
    name = partitions.partition_name(table, month)
    done = _verb("dropped", is_dry_run=is_dry_run)
    return Step(f"{done} {name} (rows: {proof.records:,}, digest {proof.digest.hex()})")


def _kept(table: str, month: date, reason: str) -> Step:
    name = partitions.partition_name(table, month)
    return Step(f"kept {name}: {reason}", is_refused=True)


def _drop(table: str, month: date, *, at: datetime, is_dry_run: bool) -> MonthProof:
    """Prove a month and drop it behind its tombstone, in one transaction.

    Inserts into the month are held off from before the proof: what is dropped is what was
    proved. The locks that others would wait behind come last.
    """
    holds.refuse_if_held(month)
    prove = month_proof.prove_bodies if table == BODIES else month_proof.prove_records
    with briefly_waiting():
        _hold_off_inserts(month)
        proof = prove(month)
        if not is_dry_run:
            holds.keep_as_they_are()
            holds.refuse_if_held(month)
            tombstones.write(table=table, month=month, proof=proof, at=at)
            if table == BODIES:
                destroy_month(month, at=at)
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE {partitions.partition_name(table, month)}")
    return proof


def _hold_off_inserts(month: date) -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            if month in months.present(table):
                name = partitions.partition_name(table, month)
                cursor.execute(f"LOCK TABLE {name} IN SHARE MODE")


def _verb(done: str, *, is_dry_run: bool) -> str:
    return f"would have {done}" if is_dry_run else done
