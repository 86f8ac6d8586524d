"""What Customer Success cost on the demo's contracts, and what it may be credited with."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from cs_integrations.customers.health import Zone
from finance.demo import dates
from finance.demo.contracts import EXAMPLE_CONTRACT, Holder, last_day
from finance.models import (
    AttributionEntry,
    AttributionPolicy,
    Contract,
    CsCostMonthly,
    OutcomeKind,
)
from finance.rules import PARAMETERS

COST_MONTHS = 24
COST_SHARE = 0.06  # of a contract's value goes into Customer Success
TOOL_SHARE = 0.006
EFFORT = {Zone.GREEN: 0.9, Zone.YELLOW: 1.1, Zone.RED: 1.3}  # times the usual hours
CENT, DOLLAR = Decimal("0.01"), Decimal(1)
EXAMPLE_HOURS, EXAMPLE_TOOL_COST = Decimal(6), Decimal(50)  # ctr_123: 500 dollars a month

SHARES = {
    OutcomeKind.EXPANSION: Decimal("0.60"),
    OutcomeKind.PROTECTED_REVENUE: Decimal("0.30"),
    OutcomeKind.CHURN_PREVENTED: Decimal("0.20"),
}
BASES = {
    OutcomeKind.EXPANSION: "Bought more after a business review",
    OutcomeKind.PROTECTED_REVENUE: "Renewed from the yellow zone",
    OutcomeKind.CHURN_PREVENTED: "Stayed after a rescue plan",
}
POLICY_YEARS = 5
# Credited dollars for a dollar of CS cost, from and to.
RETURNED = {Zone.GREEN: (9.0, 13.0), Zone.YELLOW: (5.0, 8.0), Zone.RED: (1.5, 3.5)}
KINDS = {
    Zone.GREEN: (OutcomeKind.EXPANSION, OutcomeKind.PROTECTED_REVENUE, OutcomeKind.EXPANSION),
    Zone.YELLOW: (OutcomeKind.EXPANSION, OutcomeKind.PROTECTED_REVENUE),
    Zone.RED: (OutcomeKind.CHURN_PREVENTED,),
}
# ctr_123: days ago, kind, dollars. 70,800 are credited in all, 17,445.60 of the last 90 days.
EXAMPLE_OUTCOMES = (
    (20, OutcomeKind.EXPANSION, 12_000),
    (48, OutcomeKind.EXPANSION, 9_500),
    (70, OutcomeKind.EXPANSION, 7_576),
    (120, OutcomeKind.PROTECTED_REVENUE, 30_000),
    (190, OutcomeKind.EXPANSION, 28_924),
    (260, OutcomeKind.PROTECTED_REVENUE, 50_000),
    (330, OutcomeKind.EXPANSION, 20_000),
)


def write_cost_and_credit(holders: Sequence[Holder], as_of: date, random: Random) -> None:
    """Write the agreed shares, each month's CS cost and the outcomes of every contract."""
    AttributionPolicy.objects.bulk_create(
        AttributionPolicy(
            kind=kind,
            share=share,
            valid_from=date(as_of.year - POLICY_YEARS, 1, 1),
            agreed_with="Marketing, Sales and Customer Success",
        )
        for kind, share in SHARES.items()
    )
    costs: list[CsCostMonthly] = []
    entries: list[AttributionEntry] = []
    for holder in holders:
        for contract in holder.contracts:
            booked = list(_costs(holder, contract, as_of))
            costs += booked
            entries += _outcomes(holder, contract, booked, as_of, random)
    CsCostMonthly.objects.bulk_create(costs)
    AttributionEntry.objects.bulk_create(entries)


def _costs(holder: Holder, contract: Contract, as_of: date) -> Iterator[CsCostMonthly]:
    """Yield the cost of each month that is over and on whose last day the contract ran."""
    hours, tool_cost = EXAMPLE_HOURS, EXAMPLE_TOOL_COST
    if contract.public_id != EXAMPLE_CONTRACT:
        monthly_value = contract.annual_value / 12
        usual_hours = monthly_value * Decimal(COST_SHARE) / PARAMETERS.default_hourly_rate
        hours = (usual_hours * Decimal(EFFORT[holder.zone])).quantize(CENT)
        tool_cost = (monthly_value * Decimal(TOOL_SHARE)).quantize(CENT)
    for months_back in range(COST_MONTHS, 0, -1):
        over = dates.first_of_month(as_of, months_back=months_back - 1)
        if contract.start_date < over <= last_day(contract) + timedelta(days=1):
            yield CsCostMonthly(
                contract=contract,
                month=dates.first_of_month(as_of, months_back=months_back),
                hours=hours,
                tool_cost=tool_cost,
                recorded_at=dates.midnight(over),
            )


def _outcomes(
    holder: Holder,
    contract: Contract,
    costs: Sequence[CsCostMonthly],
    as_of: date,
    random: Random,
) -> Iterator[AttributionEntry]:
    """Yield revenue that CS may claim a share of, evenly over the term so far."""
    if contract.public_id == EXAMPLE_CONTRACT:
        for days_ago, kind, dollars in EXAMPLE_OUTCOMES:
            yield _entry(contract, kind, as_of - timedelta(days=days_ago), Decimal(dollars))
        return
    spent = sum(
        (cost.hours * PARAMETERS.default_hourly_rate + cost.tool_cost for cost in costs),
        Decimal(0),
    )
    credited = spent * Decimal(random.uniform(*RETURNED[holder.zone]))
    term_so_far = min(as_of, last_day(contract)) - contract.start_date
    kinds = KINDS[holder.zone]
    for number, kind in enumerate(kinds, start=1):
        amount = (credited / len(kinds) / SHARES[kind]).quantize(DOLLAR)
        day = contract.start_date + term_so_far * number / (len(kinds) + 1)
        if amount:
            yield _entry(contract, kind, _settled(day, as_of), amount)


def _settled(day: date, as_of: date) -> date:
    """Return the day, or a later one where it would leave the rules' window in a fortnight."""
    window_start = as_of - timedelta(days=PARAMETERS.outcome_window_days)
    is_leaving = window_start < day <= window_start + dates.STABLE
    return day + dates.STABLE if is_leaving else day


def _entry(contract: Contract, kind: OutcomeKind, day: date, amount: Decimal) -> AttributionEntry:
    return AttributionEntry(
        contract=contract,
        kind=kind,
        occurred_date=day,
        amount=amount,
        basis=BASES[kind],
        recorded_at=dates.midnight(day),
    )
