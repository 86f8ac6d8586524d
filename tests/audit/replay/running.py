"""How tests plan and run replays, and mend and break what the requests need."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from audit.models import AuditRecord, ReplayBatch, ReplayItem, ReplayMode
from audit.reading.filters import RecordFilter
from audit.replay import executing
from audit.replay.plan import Plan, make_plan
from audit.replay.results import ItemResult
from cs_integrations.customers.models import Customer
from cs_integrations.database import roles
from finance.models import Contract, ForecastAdjustment
from tests.clients import HubClient, IssuedToken, issue_token
from tests.factories import CustomerFactory
from tests.forecasts import FORECAST

OPERATOR = "kim"
DONE, FAILED, REFUSED, SKIPPED, PENDING = (
    ReplayItem.State.DONE,
    ReplayItem.State.FAILED,
    ReplayItem.State.REFUSED,
    ReplayItem.State.SKIPPED,
    ReplayItem.State.PENDING,
)


@dataclass
class Forecaster:
    """A client that submits forecasts; each differs from the one before, so each has an effect."""

    issued: IssuedToken = field(
        default_factory=lambda: issue_token(
            ["cs-finance.read", "cs-finance.write"], rate_limits={"finance": 1_000_000}
        )
    )
    sent: int = 0

    @property
    def http(self) -> HubClient:
        return HubClient(token=self.issued.raw)

    @property
    def client(self):
        return self.issued.application

    def submits(self, customer_id: str, **headers: str) -> Any:
        self.sent += 1
        probability = round(0.5 + self.sent % 400 / 1000, 3)
        body = {
            **FORECAST,
            "renewal_probability": probability,
            "confidence_interval": [probability, probability],
        }
        return self.http.send(f"/finance/forecast/{customer_id}", body, **headers)

    def fails(self, customer_id: str, **headers: str) -> Any:
        """Submit a forecast for a customer that has no contract yet."""
        answer = self.submits(customer_id, **headers)
        assert answer.status_code == 409, answer.content
        return answer


def customer_without_contract() -> Customer:
    return CustomerFactory()


def mend(*customers: Customer) -> None:
    """Give customers the contract that their forecasts failed for."""
    today = timezone.now().date()
    for customer in customers:
        Contract.objects.create(
            customer=customer,
            start_date=today - timedelta(days=200),
            end_date=today + timedelta(days=165),
            annual_value=Decimal(120_000),
        )


def ids_of(*answers: Any) -> tuple[UUID, ...]:
    return tuple(UUID(answer["X-Request-ID"]) for answer in answers)


def plan_of(*answers: Any, mode: ReplayMode = ReplayMode.EXECUTE, **options: Any) -> Plan:
    """Plan the replay of the requests that got these answers."""
    return plan_of_ids(*ids_of(*answers), mode=mode, **options)


def plan_of_ids(*ids: UUID, mode: ReplayMode = ReplayMode.EXECUTE, **options: Any) -> Plan:
    selection = RecordFilter(ids=ids)
    return make_plan(selection=selection, mode=mode, at=timezone.now(), **options)


def batch_of(plan: Plan, name: str = "") -> ReplayBatch:
    return executing.store(
        plan,
        name=name or f"try-{uuid4().hex[:12]}",
        operator=OPERATOR,
        selection=RecordFilter(ids=tuple(item.record_id for item in plan.items)),
        at=timezone.now(),
    )


def run(batch: ReplayBatch, **options: Any) -> list[ItemResult]:
    """Run a batch; return what it reported, in the order of the reports."""
    results: list[ItemResult] = []
    on_item = options.pop("on_item", lambda _result: None)

    def listen(result: ItemResult) -> None:
        results.append(result)
        on_item(result)

    executing.run(batch, on_item=listen, **options)
    return results


def replayed(*answers: Any, **options: Any) -> list[ItemResult]:
    """Plan and run the replay of these requests."""
    return run(batch_of(plan_of(*answers)), **options)


def forecasts_of(customer: Customer) -> list[ForecastAdjustment]:
    """Return the effects: the forecasts of a customer in the order of their making."""
    return list(ForecastAdjustment.objects.filter(customer=customer).order_by("pk"))


def record(request_id: UUID | None) -> AuditRecord:
    return AuditRecord.objects.get(pk=request_id)


@contextmanager
def without_the_right_to_insert(table: str) -> Iterator[None]:
    """Let the application not write into a table: an outage that somebody mends."""
    with roles.as_owner(connection), connection.cursor() as cursor:
        cursor.execute(f"REVOKE INSERT ON {table} FROM {roles.APPLICATION_ROLE}")
    try:
        yield
    finally:
        with roles.as_owner(connection), connection.cursor() as cursor:
            cursor.execute(f"GRANT INSERT ON {table} TO {roles.APPLICATION_ROLE}")


@contextmanager
def altered(record_id: UUID, column: str, value: Any) -> Iterator[None]:
    """Change a column of a record past its guard, and put it back afterwards."""
    before = getattr(record(record_id), column)
    _overwrite(record_id, column, value)
    try:
        yield
    finally:
        _overwrite(record_id, column, before)


def _overwrite(record_id: UUID, column: str, value: Any) -> None:
    with roles.as_owner(connection), connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass FROM audit_record WHERE id = %s", [record_id])
        (partition,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {partition} DISABLE TRIGGER only_grows")
        cursor.execute(f"UPDATE audit_record SET {column} = %s WHERE id = %s", [value, record_id])
        cursor.execute(f"ALTER TABLE {partition} ENABLE TRIGGER only_grows")
