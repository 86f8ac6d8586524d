"""A call, what it is to leave behind, and what is known of all calls while they are made."""

import json
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Any, TypeVar

from django.conf import settings

from bench.soak.portfolio import Portfolio

Item = TypeVar("Item")
RECENT = 2_000  # how many finished writes and records later calls choose from


class Effect(StrEnum):
    """A row that one keyed call leaves behind."""

    FORECAST = "forecast"
    FEEDBACK = "feedback"
    TRIGGER = "trigger"
    SIGNAL = "health signal"
    EXECUTION = "execution"
    HANDOFF = "handoff"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """The effect of a key. Target and value name its row where the row does not hold the key."""

    key: str
    effect: Effect
    target: str = ""  # public id of the customer or deal
    value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with the statuses that are right for it."""

    method: str
    path: str
    statuses: frozenset[int]
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    writes: Sequence[Write] = ()
    is_exempt: bool = False  # from the trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A call as it was sent once; its id went along as the caller's ``X-Request-ID``."""

    id: str
    kind: str
    method: str
    path: str
    key: str
    statuses: frozenset[int]
    is_exempt: bool
    status: int | None = None  # None: no answer came
    request_id: str | None = None
    named: str = ""  # public id in the answer to a write
    is_busy: bool = False  # a twin was running, or a store was away: send it again

    @property
    def is_lost(self) -> bool:
        return self.status is None

    @property
    def is_success(self) -> bool:
        return self.status is not None and self.status < 300  # noqa: PLR2004 - the end of 2xx

    @property
    def is_expected(self) -> bool:
        return self.status is None or self.is_busy or self.status in self.statuses


class Ledger:
    """What was sent and what came back; the callers share it."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.writes: list[Write] = []
        self.unsettled: list[str] = []  # keyed calls that had no answer however often sent
        self._lock = threading.Lock()
        self._begun: deque[Call] = deque(maxlen=RECENT)
        self._finished: deque[Call] = deque(maxlen=RECENT)
        self._records: deque[str] = deque(maxlen=RECENT)
        self._named: deque[str] = deque(maxlen=RECENT)

    def begin(self, call: Call) -> None:
        """Note a call before it is sent, so that its twin may race with it."""
        if call.writes:
            with self._lock:
                self.writes.extend(call.writes)
                self._begun.append(call)

    def note(self, call: Call, attempt: Attempt) -> None:
        with self._lock:
            self.attempts.append(attempt)
            if attempt.request_id and not attempt.is_busy:
                self._records.append(attempt.request_id)
            if call.writes and attempt.is_success:
                self._finished.append(call)
                self._named.append(attempt.named)

    def begun(self, random: Random) -> Call | None:
        """Return a write that was sent, perhaps not yet answered."""
        return self._choice(random, self._begun)

    def finished(self, random: Random) -> Call | None:
        """Return a write that was answered."""
        return self._choice(random, self._finished)

    def record(self, random: Random) -> str | None:
        """Return the id of an answered request."""
        return self._choice(random, self._records)

    def named(self, random: Random, prefix: str) -> str | None:
        """Return the public id of an object that a write made, of this kind."""
        with self._lock:
            known = [name for name in self._named if name.startswith(prefix)]
        return random.choice(known) if known else None

    def _choice(self, random: Random, items: deque[Item]) -> Item | None:
        with self._lock:
            return random.choice(items) if items else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One place in the plan: what a kind makes its call from."""

    serial: int  # among the calls of its kind, from 0
    key: str
    random: Random
    portfolio: Portfolio
    ledger: Ledger

    def read(self, path: str, *statuses: int) -> Call:
        """Return a GET of the API."""
        return Call(
            method="GET",
            path=settings.API_BASE + path,
            statuses=frozenset(statuses or (200,)),
            headers=self.bearer,
        )

    def send(self, path: str, body: Any, status: int, *writes: Write, **headers: str) -> Call:
        """Return a keyed POST to the API; bytes go out as they are."""
        return Call(
            method="POST",
            path=settings.API_BASE + path,
            statuses=frozenset((status,)),
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={
                **self.bearer,
                "Content-Type": "application/json",
                "Idempotency-Key": self.key,
                **headers,
            },
            key=self.key,
            writes=writes,
        )

    def write(self, effect: Effect, target: str = "", value: Decimal = Decimal(0)) -> Write:
        return Write(key=self.key, effect=effect, target=target, value=value)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.portfolio.client.token}"}
