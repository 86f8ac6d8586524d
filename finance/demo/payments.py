"""The demo's payments: a twelfth of the contract's value every month since the start."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from cs_integrations.customers.demo.roster import Trait
from cs_integrations.customers.health import Zone
from cs_integrations.database.copying import copy_rows
from finance.demo import dates
from finance.demo.contracts import Holder, last_day
from finance.models import Payment

CENT = Decimal("0.01")
LATE_SHARE = 0.1  # of a red account's payments
LONG_HISTORY = 20  # payments, of which a yellow account was once late with one
DAYS_EARLY, DAYS_LATE = (0, 3), (4, 19)
# A late payment is on neither end of the 90 days of payment trouble: it stays in or out.
RECENT_DAYS, OLD_DAYS = 60, 120
DISPUTED_FROM_END = 2  # the last payment but one
DISPUTED_AFTER = timedelta(days=10)


class PaymentRow(NamedTuple):
    """A payment without its customer, in the order of the table's columns."""

    amount: Decimal
    due_date: date
    paid_date: date | None
    disputed_date: date | None


def write_payments(holders: Sequence[Holder], as_of: date, random: Random) -> int:
    """Write the payments that fell due so far and return how many there are."""
    return copy_rows(
        Payment,
        ("customer_id", *PaymentRow._fields),
        (
            (holder.contracts[0].customer_id, *row)
            for holder in holders
            for row in _payments(holder, as_of, random)
        ),
    )


def _payments(holder: Holder, as_of: date, random: Random) -> Iterator[PaymentRow]:
    contracts = holder.contracts
    last = min(as_of, last_day(contracts[-1]))
    due_dates = list(dates.monthly(start=contracts[0].start_date, last=last))
    late = _late_numbers(holder, [(as_of - due).days for due in due_dates], random)
    disputed = len(due_dates) - DISPUTED_FROM_END if holder.account.disputed else None
    for number, due in enumerate(due_dates):
        running = [contract for contract in contracts if contract.start_date <= due][-1]
        paid = due - timedelta(days=random.randint(*DAYS_EARLY))
        if number in late:
            paid = due + timedelta(days=random.randint(*DAYS_LATE))
        yield PaymentRow(
            amount=(running.annual_value / 12).quantize(CENT),
            due_date=due,
            paid_date=paid if paid <= as_of else None,
            disputed_date=due + DISPUTED_AFTER if number == disputed else None,
        )


def _late_numbers(holder: Holder, ages: Sequence[int], random: Random) -> set[int]:
    """Return which payments were late; ``ages`` are the days since each fell due."""
    old = [number for number, age in enumerate(ages) if age > OLD_DAYS]
    if holder.zone is Zone.RED:
        recent = [number for number, age in enumerate(ages) if age < RECENT_DAYS]
        return set(random.sample(old + recent, k=max(1, round(len(ages) * LATE_SHARE))))
    is_wavering = holder.zone is Zone.YELLOW and Trait.STEADY not in holder.account.traits
    return {random.choice(old)} if is_wavering and len(ages) >= LONG_HISTORY else set()
