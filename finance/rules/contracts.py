"""The time a contract runs."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTerm:
    """When a contract runs; both days belong to it."""

    start_date: date
    end_date: date  # as signed, >= start_date
    closed_date: date | None = None  # superseded or terminated on this day, before its end

    @property
    def last_day(self) -> date:
        """The day on which the contract really ends."""
        return self.end_date if self.closed_date is None else min(self.end_date, self.closed_date)

    def has_started(self, *, as_of: date) -> bool:
        """Say whether the contract runs on this day or ran before it."""
        return self.start_date <= as_of

    def has_ended(self, *, as_of: date) -> bool:
        """Say whether the contract's last day has passed."""
        return self.last_day < as_of


def use_month(*, term: ContractTerm, as_of: date) -> date | None:
    """Return the first day of the last full month of the contract, None before it has one.

    The last calendar month that is over and lies inside the term; for an ended contract the
    last one it ran through, so that its figures stay its own.
    """
    reached = min(as_of, term.last_day + timedelta(days=1))
    month = (reached.replace(day=1) - timedelta(days=1)).replace(day=1)
    return month if month >= term.start_date else None
