"""Replay at size: plan, execute under SIGKILL, verify on restored facts; prints a table.

    python bench/replaying.py [--requests 10000] [--kills 20] [--verify 10000]

Works in an embedded database of its own, which goes when the process ends. Exit code 1 if an
effect was lost or doubled, an order was broken, or a difference was missed or invented.
"""

# ruff: noqa: E402 - the settings are named before Django is imported

import argparse
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

BASE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BASE))
FOLDER = tempfile.mkdtemp(prefix="replaying-")
# Registered before the server's own end, so it comes after it.
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "cs_integrations.settings",
    "CS_DATA_DIR": FOLDER,
    "DATABASE_URL": "",
    "DATABASE_OWNER_URL": "",
    "REDIS_URL": "",
}

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from audit.models import AuditRecord, ReplayBatch, ReplayItem, ReplayMode
from audit.reading.filters import RecordFilter
from audit.replay import executing
from audit.replay.plan import Plan, make_plan
from audit.replay.results import ItemResult
from audit.replay.verifying import verify
from bench.soak import callers, kinds, portfolio
from bench.soak.calls import Ledger
from cs_integrations.clients.scopes import SCOPES
from cs_integrations.customers.models import Customer
from cs_integrations.database import roles
from finance.models import Contract, ForecastAdjustment
from finance.rules.roi import RoiTrajectory
from tests.audit.replay import facts
from tests.clients import API, issue_token
from tests.servers import database_url, serving

CUSTOMERS = 199  # prime: each gets reads and writes
SENDERS = 8
KEYED_EVERY = 3  # each third write has an Idempotency-Key of its own
READ_EVERY = 10  # each tenth request is a read
UNREACHED_LIMIT = 100_000_000
PENDING = ReplayItem.State.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request that failed, and the probability that its forecast will have; None: a read."""

    record_id: UUID
    customer_id: str
    probability: Decimal | None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--verify", type=int, default=10_000, help="mixed requests to verify")
    given = parser.parse_args()
    call_command("migrate", verbosity=0)
    call_command("seed", light=True, verbosity=0)
    faults = []
    if given.requests:
        faults += _planned_and_executed(given.requests, given.kills)
    if given.verify:
        faults += _verified(given.verify)
    for fault in faults:
        _row("FAULT", fault)
    return 1 if faults else 0


def _row(name: str, value: object) -> None:
    print(f"{name:<44} {value}", flush=True)


# --- plan and execute ----------------------------------------------------------------------


def _planned_and_executed(requests: int, kills: int) -> list[str]:
    """Let requests fail for customers that do not exist yet; then mend, plan and execute."""
    client = issue_token(
        list(SCOPES), rate_limits={"finance": UNREACHED_LIMIT}, expires_in=timedelta(days=1)
    )
    started = time.monotonic()
    sent = _failed_requests(requests, client.raw)
    _row("requests that failed", f"{len(sent):,} in {time.monotonic() - started:.0f} s")
    selection = RecordFilter(client_id=client.application.client_id)
    plan = _timed_plan(selection)
    _mend()
    batch = executing.store(
        plan, name="bench", operator="bench", selection=selection, at=timezone.now()
    )
    _executed(batch, kills)
    return _faults(batch, sent)


def _failed_requests(requests: int, token: str) -> list[Sent]:
    with (
        serving(ADDRESS_RATE_LIMIT=str(UNREACHED_LIMIT)) as server,
        ThreadPoolExecutor(SENDERS) as pool,
    ):
        parts = pool.map(
            lambda first: _sender(server.port, token, range(first, requests, SENDERS)),
            range(SENDERS),
        )
        return [sent for part in parts for sent in part]


def _sender(port: int, token: str, numbers: Sequence[int]) -> list[Sent]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as line:
        return [_failed(line, token, number) for number in numbers]


def _failed(line: HTTPConnection, token: str, number: int) -> Sent:
    """Send a read or a forecast for a customer that is not there yet."""
    customer_id = f"cust_bench{number % CUSTOMERS}"
    path = f"{API}/finance/forecast/{customer_id}"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    probability = None
    if number % READ_EVERY == 0:
        line.request("GET", path, headers=headers)
    else:
        if number % KEYED_EVERY == 0:
            headers["Idempotency-Key"] = f"bench-{number}"
        probability = Decimal(500_000 + number) / 1_000_000
        line.request("POST", path, body=_forecast(probability), headers=headers)
    answer = line.getresponse()
    body = answer.read()
    if answer.status != HTTPStatus.NOT_FOUND:
        raise RuntimeError(body.decode())
    record_id = UUID(answer.headers["X-Request-ID"])
    return Sent(record_id=record_id, customer_id=customer_id, probability=probability)


def _forecast(probability: Decimal) -> bytes:
    value = float(probability)
    return json.dumps(
        {
            "renewal_probability": value,
            "confidence_interval": [value, value],
            "scenarios": {"expansion": "$75k"},
        }
    ).encode()


def _timed_plan(selection: RecordFilter) -> Plan:
    times = []
    for _ in range(3):
        started = time.monotonic()
        plan = make_plan(selection=selection, mode=ReplayMode.EXECUTE, at=timezone.now())
        digest = plan.hash
        times.append(time.monotonic() - started)
    _row("plan", f"{len(plan.items):,} requests in {', '.join(f'{took:.2f}' for took in times)} s")
    _row("  of which can run", f"{len(plan.runnable):,}; hash {digest[:16]}")
    return plan


def _mend() -> None:
    today = timezone.now().date()
    for number in range(CUSTOMERS):
        customer = Customer.objects.create(
            public_id=f"cust_bench{number}",
            name=f"Bench {number}",
            segment="mid_market",
            industry="saas",
            started_date=today - timedelta(days=400),
        )
        Contract.objects.create(
            customer=customer,
            start_date=today - timedelta(days=200),
            end_date=today + timedelta(days=165),
            annual_value=Decimal(120_000),
        )


def _executed(batch: ReplayBatch, kills: int) -> None:
    """Run the batch to its end in processes of which so many are killed."""
    total = batch.items.filter(state=PENDING).count()
    started = time.monotonic()
    for kill in range(1, kills + 1):
        process = _resumed(batch)
        while total - batch.items.filter(state=PENDING).count() < kill * total // (kills + 1):
            if process.poll() is not None:
                raise RuntimeError(f"the replay ended by itself with {process.returncode}")
            time.sleep(0.05)
        process.kill()
        process.wait()
    code = _resumed(batch).wait()
    seconds = time.monotonic() - started
    _row("execute", f"{total:,} requests with {kills} SIGKILLs in {seconds:.0f} s, exit {code}")


def _resumed(batch: ReplayBatch) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "manage.py", "replay", "--resume", batch.name]
    return subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=BASE,
        env={**os.environ, "DATABASE_URL": database_url()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _faults(batch: ReplayBatch, sent: Sequence[Sent]) -> list[str]:
    """Hold the effects and the records against what was sent."""
    batch.refresh_from_db()
    states = [ReplayItem.State(item.state) for item in batch.items.all()]
    _row("items", {state.value: states.count(state) for state in sorted(set(states))})
    faults = [] if batch.state == ReplayBatch.State.FINISHED else [f"the batch is {batch.state}"]
    arrived = dict(
        AuditRecord.objects.filter(pk__in=[one.record_id for one in sent]).values_list(
            "pk", "received_at"
        )
    )
    wanted: defaultdict[str, list[Decimal]] = defaultdict(list)
    for one in sorted(sent, key=lambda one: (arrived[one.record_id], one.record_id)):
        if one.probability is not None:
            wanted[one.customer_id].append(one.probability)
    found: defaultdict[str, list[Decimal]] = defaultdict(list)
    made = ForecastAdjustment.objects.filter(customer__public_id__in=wanted).order_by("pk")
    for customer_id, probability in made.values_list(
        "customer__public_id", "submitted_probability"
    ):
        found[customer_id].append(probability)
    for customer_id, probabilities in wanted.items():
        if found[customer_id] != probabilities:
            faults.append(f"{customer_id}: effects are not what was sent, or not in its order")
    replays = AuditRecord.objects.filter(replay_batch=batch.name)
    recorded = sorted(replays.values_list("replay_of", flat=True))
    if recorded != sorted(arrived):
        faults.append(f"{len(recorded):,} records of replays for {len(arrived):,} requests")
    effects = sum(len(one) for one in found.values())
    _row("effects", f"{effects:,}, exactly as sent in the order of each customer: {not faults}")
    return faults


# --- verify --------------------------------------------------------------------------------


def _verified(requests: int) -> list[str]:
    """Make mixed calls, put the facts back, and verify: with today's code, and with a change."""
    plan_of_calls = kinds.plan(requests=requests, seed=1)
    handoffs = sum(place.kind is kinds.Kind.HANDOFF for place in plan_of_calls)
    with roles.as_owner(connection):
        prepared = portfolio.prepare(handoffs=handoffs + 1)
        before = facts.taken()
    at = timezone.now()
    started = time.monotonic()
    with serving(ADDRESS_RATE_LIMIT=str(UNREACHED_LIMIT)) as server:
        callers.make_calls(
            port=server.port,
            portfolio=prepared,
            ledger=Ledger(),
            plan=plan_of_calls,
            seed=1,
            count=1,
            tell=lambda: None,
        )
    _row("mixed requests", f"{requests:,} in {time.monotonic() - started:.0f} s")
    with roles.as_owner(connection):
        facts.put_back(before)
    plan = make_plan(selection=RecordFilter(start=at), mode=ReplayMode.VERIFY, at=timezone.now())
    _row("  of which can be verified", f"{len(plan.runnable):,}")
    for reason, count in plan.by_obstacle.items():
        _row(f"  {count:,}", reason)
    faults = _unchanged(plan, at)
    return faults + _changed(plan, at)


def _unchanged(plan: Plan, start: Any) -> list[str]:
    started = time.monotonic()
    differing = [one for one in _rehearsed(plan, "unchanged", start) if one.differences]
    _row("verify, unchanged code", f"{len(differing)} differ; {time.monotonic() - started:.0f} s")
    for one in differing[:5]:
        _row(f"  {one.operation}", one.differences[:2])
    return [f"{len(differing)} differ without a change"] if differing else []


def _changed(plan: Plan, start: Any) -> list[str]:
    """Let value realization say another return than it did: every answer with it must differ."""
    answered = {
        item.record_id
        for item in plan.runnable
        if item.operation == "finance_realization" and item.original_status == HTTPStatus.OK
    }
    with _another_return():
        results = _rehearsed(plan, "changed", start)
    found = {one.record_id for one in results if one.differences}
    _row("verify, one field changed", f"{len(found & answered)} of {len(answered)} found")
    if found == answered:
        return []
    return [f"{len(answered - found)} missed, {len(found - answered)} invented"]


@contextmanager
def _another_return() -> Iterator[None]:
    usual = RoiTrajectory.text
    RoiTrajectory.text = property(lambda _trajectory: "99x_projected")  # type: ignore[assignment]
    try:
        yield
    finally:
        RoiTrajectory.text = usual  # type: ignore[method-assign]


def _rehearsed(plan: Plan, name: str, start: Any) -> list[ItemResult]:
    results: list[ItemResult] = []
    verify(
        plan,
        name=name,
        operator="bench",
        selection=RecordFilter(start=start),
        on_item=results.append,
        at=timezone.now(),
    )
    return results


if __name__ == "__main__":
    sys.exit(main())
