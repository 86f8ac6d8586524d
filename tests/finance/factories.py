"""Contracts and all that hangs on them. Each factory is valid with no arguments."""

from datetime import date, timedelta
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from finance.models import (
    AttributionEntry,
    AttributionPolicy,
    Commitment,
    Contract,
    CsCostMonthly,
    Delivery,
    ForecastAdjustment,
    OutcomeKind,
    Payment,
)
from tests.factories import NOON, TODAY, CustomerFactory

STARTED = date(2025, 6, 1)
TWELVE_MONTHS = [date(2025, month, 1) for month in range(6, 13)] + [
    date(2026, month, 1) for month in range(1, 6)
]


class ContractFactory(DjangoModelFactory[Contract]):
    """A two-year contract of which twelve months are over and twelve are left."""

    class Meta:
        model = Contract

    class Params:
        ended = factory.Trait(start_date=date(2024, 6, 1), end_date=date(2025, 5, 31))
        future = factory.Trait(
            start_date=TODAY + timedelta(days=1), end_date=TODAY + timedelta(days=365)
        )
        terminated = factory.Trait(
            status=Contract.Status.TERMINATED, closed_date=TODAY - timedelta(days=1)
        )
        superseded = factory.Trait(
            start_date=date(2024, 6, 1),
            end_date=date(2026, 5, 31),
            status=Contract.Status.SUPERSEDED,
            closed_date=date(2025, 5, 31),
            superseded_by=factory.SubFactory(
                "tests.finance.factories.ContractFactory",
                customer=factory.SelfAttribute("..customer"),
            ),
        )

    public_id = factory.Sequence(lambda number: f"ctr_{9000 + number}")
    customer = factory.SubFactory(CustomerFactory)
    start_date = STARTED
    end_date = TODAY + timedelta(days=365)
    annual_value = Decimal(120_000)


class CommitmentFactory(DjangoModelFactory[Commitment]):
    """A milestone that fell due half a year ago."""

    class Meta:
        model = Commitment

    class Params:
        linear = factory.Trait(accrual=Commitment.Accrual.LINEAR)

    contract = factory.SubFactory(ContractFactory)
    outcome = factory.Sequence(lambda number: f"Outcome {number}")
    accrual = Commitment.Accrual.MILESTONE
    committed_value = Decimal(100_000)
    start_date = factory.SelfAttribute("contract.start_date")
    due_date = factory.LazyAttribute(lambda row: row.start_date + timedelta(days=180))
    recorded_at = NOON - timedelta(days=379)


class DeliveryFactory(DjangoModelFactory[Delivery]):
    class Meta:
        model = Delivery

    commitment = factory.SubFactory(CommitmentFactory)
    delivered_date = date(2025, 11, 20)
    value = Decimal(100_000)
    recorded_at = NOON - timedelta(days=200)


class CsCostMonthlyFactory(DjangoModelFactory[CsCostMonthly]):
    """500 dollars: six hours at the default rate, and tools."""

    class Meta:
        model = CsCostMonthly

    contract = factory.SubFactory(ContractFactory)
    month = date(2026, 5, 1)
    hours = Decimal(6)
    tool_cost = Decimal(50)
    recorded_at = NOON - timedelta(days=14)


class AttributionPolicyFactory(DjangoModelFactory[AttributionPolicy]):
    class Meta:
        model = AttributionPolicy

    kind = OutcomeKind.EXPANSION
    share = Decimal("0.6")
    valid_from = date(2024, 1, 1)


class AttributionEntryFactory(DjangoModelFactory[AttributionEntry]):
    class Meta:
        model = AttributionEntry

    contract = factory.SubFactory(ContractFactory)
    kind = OutcomeKind.EXPANSION
    occurred_date = TODAY - timedelta(days=20)
    amount = Decimal(10_000)
    recorded_at = NOON - timedelta(days=19)


class ForecastAdjustmentFactory(DjangoModelFactory[ForecastAdjustment]):
    """A forecast that has been in force since yesterday morning."""

    class Meta:
        model = ForecastAdjustment

    customer = factory.SubFactory(CustomerFactory)
    contract = factory.SubFactory(ContractFactory, customer=factory.SelfAttribute("..customer"))
    submitted_probability = Decimal("0.94")
    interval_low = Decimal("0.88")
    interval_high = Decimal("0.97")
    scenarios = factory.LazyFunction(lambda: {"expansion": "$75k"})
    model_probability = Decimal("0.95")
    blended_probability = Decimal("0.9405")
    annual_value = factory.SelfAttribute("contract.annual_value")
    risk_adjusted_value = Decimal(143_913)
    status = ForecastAdjustment.Status.ACCEPTED
    fingerprint = "of another body"
    effective_from = NOON - timedelta(hours=28)


class PaymentFactory(DjangoModelFactory[Payment]):
    """A payment that was made on the day it was due, long ago."""

    class Meta:
        model = Payment

    customer = factory.SubFactory(CustomerFactory)
    amount = Decimal(10_000)
    due_date = TODAY - timedelta(days=200)
    paid_date = factory.SelfAttribute("due_date")
