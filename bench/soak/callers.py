"""Callers with kept-alive connections, who send again what they need an answer to."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from queue import SimpleQueue
from random import Random
from typing import TypeAlias

from bench.soak import kinds
from bench.soak.calls import Attempt, Call, Ledger, Turn
from bench.soak.portfolio import Portfolio

Places: TypeAlias = "SimpleQueue[tuple[int, kinds.Place] | None]"  # None: no more

ANSWER_TIMEOUT_S = 60
PATIENCE_S = 120  # for one call, all its attempts
TOLD_EVERY_S = 10
PAUSE_S = 0.1  # before a call is sent again
OBJECT_MEMBERS = ("forecast_id", "ticket_id", "execution_id", "campaign_id")


def make_calls(
    *,
    port: int,
    portfolio: Portfolio,
    ledger: Ledger,
    plan: Sequence[kinds.Place],
    seed: int,
    count: int,
    tell: Callable[[], None],
) -> None:
    """Make the planned calls with ``count`` parallel callers; return when all are answered.

    ``tell`` is called every ten seconds meanwhile.
    """
    places: Places = SimpleQueue()
    for numbered in enumerate(plan):
        places.put(numbered)
    for _ in range(count):
        places.put(None)
    callers = [
        Caller(port=port, portfolio=portfolio, ledger=ledger, seed=seed) for _ in range(count)
    ]
    with ThreadPoolExecutor(count) as pool:
        working = {pool.submit(caller.work, places) for caller in callers}
        while working:
            done, working = wait(working, timeout=TOLD_EVERY_S)
            for caller in done:
                caller.result()
            tell()


class Caller:
    """One client of the service: a thread with one connection."""

    def __init__(self, *, port: int, portfolio: Portfolio, ledger: Ledger, seed: int) -> None:
        self._port = port
        self._portfolio = portfolio
        self._ledger = ledger
        self._seed = seed

    def work(self, places: Places) -> None:
        """Take the next place of the plan, which all callers share, until there is none."""
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_TIMEOUT_S)) as line:
            for number, place in iter(places.get, None):
                turn = Turn(
                    serial=place.serial,
                    key=f"{self._portfolio.run}-{number}",
                    random=Random(f"{self._seed}/{number}"),  # noqa: S311 - no secret
                    portfolio=self._portfolio,
                    ledger=self._ledger,
                )
                self._settle(line, place.kind, turn.key, kinds.call(place.kind, turn))

    def _settle(self, line: HTTPConnection, kind: kinds.Kind, name: str, call: Call) -> None:
        """Send a call; if it has a key, until its answer says what became of it, or two minutes."""
        self._ledger.begin(call)
        deadline = time.monotonic() + PATIENCE_S
        number = 0
        while time.monotonic() < deadline:
            attempt = _attempt(line, kind, f"{name}.{number}", call)
            self._ledger.note(call, attempt)
            is_settled = not (attempt.is_lost or attempt.is_busy)
            if is_settled or not call.key:
                return
            number += 1
            time.sleep(PAUSE_S)
        self._ledger.unsettled.append(f"{call.method} {call.path} with key {call.key}")


def _attempt(line: HTTPConnection, kind: kinds.Kind, attempt_id: str, call: Call) -> Attempt:
    sent = Attempt(
        id=attempt_id,
        kind=kind,
        method=call.method,
        path=call.path,
        key=call.key,
        statuses=call.statuses,
        is_exempt=call.is_exempt,
    )
    headers = {**call.headers, "X-Request-ID": attempt_id}
    try:
        line.request(call.method, call.path, body=call.body or None, headers=headers)
        answer = line.getresponse()
        content = answer.read()
    except (OSError, HTTPException):
        line.close()  # the next request opens it again
        return sent
    return _answered(sent, answer, content)


def _answered(sent: Attempt, answer: HTTPResponse, content: bytes) -> Attempt:
    is_twin_running = answer.status == HTTPStatus.CONFLICT and "Retry-After" in answer.headers
    is_store_away = answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    return replace(
        sent,
        status=answer.status,
        request_id=answer.headers["X-Request-ID"],
        named=_named(content) if sent.key and answer.status < HTTPStatus.MULTIPLE_CHOICES else "",
        is_busy=is_twin_running or is_store_away,
    )


def _named(content: bytes) -> str:
    """Return the public id of what the write made, if its answer has one."""
    members = json.loads(content)
    return next((members[name] or "" for name in OBJECT_MEMBERS if name in members), "")
