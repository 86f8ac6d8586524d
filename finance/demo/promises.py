"""What the demo's contracts promise, and what was delivered of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from cs_integrations.customers.demo.roster import Trait
from cs_integrations.customers.health import Zone
from cs_integrations.customers.models import Segment
from cs_integrations.database.copying import copy_rows
from finance.demo import dates
from finance.demo.contracts import EXAMPLE_CONTRACT, YEAR, Holder, last_day
from finance.models import Commitment, Contract, Delivery

EXAMPLE_CUSTOMER = "cust_123"  # of the specification's expansion opportunity
EXAMPLE_COUNT, EXAMPLE_PROMISED, EXAMPLE_DELIVERED = 4, 3.55, 1.004
# ctr_123: days after its start, promised, delivered: 102,000 of the 100,000 that are due.
EXAMPLE_PROMISES = (
    (120, 60_000, 66_000),
    (240, 40_000, 36_000),
    (480, 60_000, 0),
    (600, 40_000, 0),
)

OUTCOMES = (
    "Sales team onboarded",
    "Pipeline from outreach",
    "Inbox placement gained",
    "Hours saved by automation",
    "Tools replaced",
    "Reply rate gained",
)
COUNTS = {  # of promises in a contract, from and to
    Segment.ENTERPRISE: (3, 6),
    Segment.MID_MARKET: (2, 3),
    Segment.SMALL_BUSINESS: (2, 3),
}
# Delivered share of what is due, and promised dollars for a dollar of fees, from and to.
DELIVERED = {Zone.GREEN: (0.96, 1.12), Zone.YELLOW: (0.82, 0.93), Zone.RED: (0.62, 0.78)}
PROMISED = {Zone.GREEN: (2.4, 3.6), Zone.YELLOW: (1.7, 2.5), Zone.RED: (1.2, 1.8)}
READY_DELIVERED = (1.01, 1.12)  # of an account that is ready to expand
ONBOARDING = timedelta(days=21)  # the first promise of a contract is due so soon
ONBOARDING_WEIGHT = 0.5  # of any other promise
MONTH = timedelta(days=30)
LEAST_LINEAR_AGE = timedelta(days=180)  # a younger accrual would move too much in a fortnight
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A commitment without its contract, and what was delivered of it, by day."""

    outcome: str
    accrual: Commitment.Accrual
    value: Decimal
    due_date: date
    deliveries: tuple[tuple[date, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How much a contract promises and how well it is kept on the seeding day."""

    contract: Contract
    as_of: date
    count: int  # of promises, the onboarding included
    piece: float  # dollars of each promise but the onboarding
    delivered: float  # share of what is due

    @property
    def days(self) -> int:
        """The length of the term as signed."""
        return (self.contract.end_date - self.contract.start_date).days + 1

    @property
    def reached(self) -> date:
        """The last day so far on which anything could fall due."""
        return min(self.as_of, last_day(self.contract))


def write_promises(holders: Sequence[Holder], as_of: date, random: Random) -> int:
    """Write commitments with their deliveries and return how many deliveries there are."""
    promised = [
        (contract, promise)
        for holder in holders
        for contract in holder.contracts
        for promise in _promises(holder, contract, as_of, random)
    ]
    commitments = Commitment.objects.bulk_create(
        Commitment(
            contract=contract,
            outcome=promise.outcome,
            accrual=promise.accrual,
            committed_value=promise.value,
            start_date=contract.start_date,
            due_date=promise.due_date,
            recorded_at=dates.midnight(contract.start_date),
        )
        for contract, promise in promised
    )
    return copy_rows(
        Delivery,
        (
            "commitment_id",
            "delivered_date",
            "value",
            "evidence",
            "certified_by",
            "certified_quarter",
            "recorded_at",
        ),
        (
            (commitment.pk, day, value, "", *_certificate(day, as_of), dates.midnight(day))
            for commitment, (_, promise) in zip(commitments, promised, strict=True)
            for day, value in promise.deliveries
        ),
    )


def _promises(holder: Holder, contract: Contract, as_of: date, random: Random) -> Iterator[Promise]:
    if contract.public_id == EXAMPLE_CONTRACT:
        yield from _example_promises(contract)
        return
    terms = _draw_terms(holder, contract, as_of, random)
    yield _milestone(terms, 0, due_after=ONBOARDING, value=terms.piece * ONBOARDING_WEIGHT)
    for number in range(1, terms.count):
        if number == 1 and _may_accrue(holder, terms):
            yield _linear(terms, number)
        else:
            due_after = timedelta(days=terms.days * number // terms.count)
            yield _milestone(terms, number, due_after=due_after, value=terms.piece)


def _draw_terms(holder: Holder, contract: Contract, as_of: date, random: Random) -> Terms:
    account = holder.account
    count = random.randint(*COUNTS[account.segment])
    promised = random.uniform(*PROMISED[holder.zone])
    share = READY_DELIVERED if account.expansion_ready else DELIVERED[holder.zone]
    delivered = random.uniform(*share)
    if account.public_id == EXAMPLE_CUSTOMER:
        count, promised, delivered = EXAMPLE_COUNT, EXAMPLE_PROMISED, EXAMPLE_DELIVERED
    years = (contract.end_date - contract.start_date + timedelta(days=1)) / YEAR
    total = float(contract.annual_value) * years * promised
    return Terms(
        contract=contract,
        as_of=as_of,
        count=count,
        piece=total / (count - 1 + ONBOARDING_WEIGHT),
        delivered=delivered,
    )


def _may_accrue(holder: Holder, terms: Terms) -> bool:
    """Say whether a promise may fall due day by day: not where the answer must stand still."""
    if terms.reached < terms.as_of:
        return True
    is_settled = holder.zone is Zone.GREEN or Trait.STEADY in holder.account.traits
    return not is_settled and terms.as_of - terms.contract.start_date >= LEAST_LINEAR_AGE


def _milestone(terms: Terms, number: int, *, due_after: timedelta, value: float) -> Promise:
    due = terms.contract.start_date + due_after
    if terms.as_of < due <= terms.as_of + dates.STABLE:
        due += dates.STABLE
    is_due = due <= terms.reached
    return Promise(
        outcome=OUTCOMES[number],
        accrual=Commitment.Accrual.MILESTONE,
        value=_cents(value),
        due_date=due,
        deliveries=((due, _cents(value * terms.delivered)),) if is_due else (),
    )


def _linear(terms: Terms, number: int) -> Promise:
    """Return a promise that accrues over the whole term and is delivered month by month."""
    contract = terms.contract
    # The delivered share holds in the middle of the fortnight.
    middle = min(terms.as_of + dates.STABLE / 2, last_day(contract))
    accrued = (middle - contract.start_date) / (contract.end_date - contract.start_date)
    days = [
        contract.start_date,
        *dates.every(MONTH, start=contract.start_date + MONTH, end=terms.reached),
    ]
    value = _cents(terms.piece * accrued * terms.delivered / len(days))
    return Promise(
        outcome=OUTCOMES[number],
        accrual=Commitment.Accrual.LINEAR,
        value=_cents(terms.piece),
        due_date=contract.end_date,
        deliveries=tuple((day, value) for day in days),
    )


def _example_promises(contract: Contract) -> Iterator[Promise]:
    for outcome, (days, value, delivered) in zip(OUTCOMES, EXAMPLE_PROMISES, strict=False):
        due = contract.start_date + timedelta(days=days)
        yield Promise(
            outcome=outcome,
            accrual=Commitment.Accrual.MILESTONE,
            value=Decimal(value),
            due_date=due,
            deliveries=((due, Decimal(delivered)),) if delivered else (),
        )


def _certificate(day: date, as_of: date) -> tuple[str, str]:
    """Return who certified a delivery and in which quarter; nobody yet in the running one."""
    quarter = _quarter(day)
    return ("", "") if quarter == _quarter(as_of) else ("Finance Control", quarter)


def _quarter(day: date) -> str:
    return f"{day.year}Q{(day.month + 2) // 3}"


def _cents(value: float) -> Decimal:
    return Decimal(value).quantize(CENT)
