"""Seal committed records, once or every so often."""

import argparse
import logging
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection
from django.utils import timezone

from audit.keys import KeyUnavailable
from audit.models import AuditBatch
from audit.owner import Refused
from audit.proof import batches, sealing
from audit.proof.sealing import AlreadySealing, Sealed, SealingRefused
from audit.proof.second_place import SecondPlace

logger = logging.getLogger(__name__)

_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600}
_LOOK_UP_S = 1.0  # how long it takes to notice that the starting process is gone


def seconds(text: str) -> float:
    """Return the length of time that ``10s``, ``1m`` or ``2h`` names."""
    found = re.fullmatch(r"(\d{1,6})([smh]?)", text)
    if found is None or not int(found[1]):
        raise argparse.ArgumentTypeError("write a length of time such as 10s or 1m")
    return float(int(found[1]) * _UNITS_S[found[2]])


class Command(BaseCommand):
    help = "Seal committed audit records in batches under signed checkpoints."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every", type=seconds, help="go on until stopped, at this interval, such as 10s"
        )
        parser.add_argument(
            "--checkpoints",
            metavar="DIRECTORY|-",
            help="also put each checkpoint here; - is standard output",
        )
        parser.add_argument(
            "--after-restore",
            action="store_true",
            help="seal each record that no batch holds, as the owner: once after a restore into"
            " another server",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            publish = self._publisher(options["checkpoints"])
            if options["after_restore"]:
                self._report(sealing.seal_after_restore(at=timezone.now()), publish)
            elif options["every"] is None:
                self._report(sealing.seal(at=timezone.now()), publish)
            else:
                self._go_on(options["every"], publish)
        except (AlreadySealing, SealingRefused, KeyUnavailable, Refused, OSError) as error:
            raise CommandError(str(error)) from error

    def _go_on(self, interval_s: float, publish: Callable[[Sealed], None]) -> None:
        with _until_stopped() as is_stopped:
            while not is_stopped(0):
                try:
                    with sealing.only_sealer():
                        self._seal_until(is_stopped, interval_s, publish)
                except OperationalError as error:
                    logger.exception("ALARM audit sealing failed error=%s", type(error).__name__)
                    connection.close()
                    is_stopped(interval_s)

    def _seal_until(
        self,
        is_stopped: Callable[[float], bool],
        interval_s: float,
        publish: Callable[[Sealed], None],
    ) -> None:
        self._report(sealing.seal(at=timezone.now()), publish)
        while not is_stopped(interval_s):
            self._report(sealing.seal(at=timezone.now()), publish)

    def _report(self, sealed: Sealed, publish: Callable[[Sealed], None]) -> None:
        publish(sealed)
        for record_id in sealed.forged:
            self.stderr.write(f"Not sealed, its MAC does not fit: {record_id}")

    def _publisher(self, place: str | None) -> Callable[[Sealed], None]:
        if place == "-":
            return self._print_checkpoints
        second = SecondPlace(Path(place)) if place else None

        def publish(sealed: Sealed) -> None:
            if second is not None:
                second.catch_up()
            self._say(sealed)

        return publish

    def _print_checkpoints(self, sealed: Sealed) -> None:
        if sealed.batches:
            made = AuditBatch.objects.defer("leaves").filter(number__gte=sealed.batches[0])
            for batch in made.order_by("number").iterator(chunk_size=500):
                self.stdout.write(batches.signed_checkpoint(batch).note, ending="")
            self.stdout.flush()

    def _say(self, sealed: Sealed) -> None:
        if sealed.lag is None:
            return
        first, last = sealed.batches[0], sealed.batches[-1]
        which = f"batch {first}" if first == last else f"batches {first} to {last}"
        self.stdout.write(
            f"Sealed {sealed.records:,} records in {which};"
            f" the oldest waited {sealed.lag.total_seconds():.1f} s."
        )
        self.stdout.flush()


@contextmanager
def _until_stopped() -> Iterator[Callable[[float], bool]]:
    """Give a function that waits some seconds and says whether it is time to stop.

    It is after SIGTERM or SIGINT, and when the process that started this one is gone. The
    handlers are set explicitly: a shell's background job starts with SIGINT ignored.
    """
    stop = threading.Event()
    parent = os.getppid()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }

    def is_stopped(wait_s: float) -> bool:
        while wait_s > 0 and not stop.is_set() and os.getppid() == parent:
            stop.wait(min(wait_s, _LOOK_UP_S))
            wait_s -= _LOOK_UP_S
        return stop.is_set() or os.getppid() != parent

    try:
        yield is_stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
