"""Payment trouble: a late or disputed payment in the trailing window.

Source: HOI, budget criterion of an expansion; docs/rules/finance.md.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from finance.rules.parameters import PARAMETERS, FinanceParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFact:
    """One payment that a customer owes or has made."""

    due_date: date
    paid_date: date | None = None  # None: not paid yet
    disputed_date: date | None = None
    settled_date: date | None = None  # when the dispute was settled; None: still open


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStanding:
    """How many payments were late, and how many in dispute, on any day of the window."""

    late: int
    disputed: int

    @property
    def has_trouble(self) -> bool:
        """Whether any payment was late or in dispute."""
        return bool(self.late or self.disputed)


def payment_standing(
    *,
    payments: Collection[PaymentFact],
    as_of: date,
    parameters: FinanceParameters = PARAMETERS,
) -> PaymentStanding:
    """Return the late and the disputed payments of the window that ends on ``as_of``.

    A payment is late from the day after it was due until the day it is paid, however long
    before the window it fell due; likewise a dispute until it is settled.
    """
    first_day = as_of - timedelta(days=parameters.payment_window_days)
    return PaymentStanding(
        late=sum(_was_late(payment, first_day, as_of) for payment in payments),
        disputed=sum(_was_disputed(payment, first_day, as_of) for payment in payments),
    )


def _was_late(payment: PaymentFact, first_day: date, as_of: date) -> bool:
    last_open_day = min(as_of, payment.paid_date or as_of)
    return last_open_day > payment.due_date and last_open_day >= first_day


def _was_disputed(payment: PaymentFact, first_day: date, as_of: date) -> bool:
    if payment.disputed_date is None or payment.disputed_date > as_of:
        return False
    return (payment.settled_date or as_of) >= first_day
