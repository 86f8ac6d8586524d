"""Delivered value against committed value.

Source: spec, Value Realization API; ITP T4.2; docs/rules/finance.md.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from cs_integrations.api.formats import money, percent
from finance.rules.contracts import ContractTerm
from finance.rules.parameters import PARAMETERS, FinanceParameters


class Accrual(StrEnum):
    """How the committed value of an outcome falls due."""

    LINEAR = "linear"  # day by day, from its start to its due date
    MILESTONE = "milestone"  # all at once, on its due date or when it is reached before


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentFact:
    """One promised outcome of a contract and what was delivered of it so far."""

    outcome: str
    accrual: Accrual
    start_date: date
    due_date: date  # >= start_date
    committed_value: Decimal  # US dollars, > 0
    delivered_value: Decimal  # US dollars, corrections included


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentStanding:
    """What counts of one commitment on a day, in US dollars."""

    outcome: str
    due_value: Decimal
    delivered_value: Decimal
    counted_value: Decimal  # delivered, but never below 0 or above the cap


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStanding:
    """Delivered against committed value of a contract; ``percentage`` None: nothing is due."""

    percentage: Decimal | None  # 102 means 102%; 0 to the cap
    due_value: Decimal = Decimal(0)
    counted_value: Decimal = Decimal(0)
    commitments: tuple[CommitmentStanding, ...] = ()
    reasons: tuple[str, ...] = ()


def accrued_value(*, commitment: CommitmentFact, as_of: date) -> Decimal:
    """Return how much of the committed value is due on a day, in US dollars.

    A milestone that is reached before its due date counts at once (ITP T4.2); one that is
    reached in part waits for its due date, so that work in progress never lowers the answer.
    """
    if as_of >= commitment.due_date:
        return commitment.committed_value
    if commitment.accrual == Accrual.MILESTONE:
        reached = commitment.delivered_value >= commitment.committed_value
        return commitment.committed_value if reached else Decimal(0)
    elapsed = max(0, (as_of - commitment.start_date).days)
    whole = (commitment.due_date - commitment.start_date).days
    return commitment.committed_value * elapsed / whole if elapsed else Decimal(0)


def delivery_vs_commit(
    *,
    term: ContractTerm,
    commitments: Collection[CommitmentFact],
    as_of: date,
    parameters: FinanceParameters = PARAMETERS,
) -> DeliveryStanding:
    """Return the delivered value as a percentage of the committed value that is due.

    Commitments fall due until the contract's last day; each counts up to a cap, so that one
    outcome cannot hide the others. The percentage is None before the contract starts and
    while nothing is due.
    """
    if not term.has_started(as_of=as_of):
        reason = f"The contract starts on {term.start_date}, so nothing is due yet."
        return DeliveryStanding(percentage=None, reasons=(reason,))
    day = min(as_of, term.last_day)
    standings = tuple(_standing(commitment, day, parameters) for commitment in commitments)
    reasons = tuple(
        f"{standing.outcome}: {money(standing.delivered_value - standing.counted_value)}"
        f" delivered above {percent(parameters.commitment_cap_pct)} of what is due"
        " does not count."
        for standing in standings
        if standing.counted_value < standing.delivered_value
    )
    due = sum((standing.due_value for standing in standings), Decimal(0))
    if not due:
        return DeliveryStanding(percentage=None, reasons=("No commitment is due yet.", *reasons))
    counted = sum((standing.counted_value for standing in standings), Decimal(0))
    return DeliveryStanding(
        percentage=counted / due * 100,
        due_value=due,
        counted_value=counted,
        commitments=standings,
        reasons=reasons,
    )


def _standing(
    commitment: CommitmentFact, as_of: date, parameters: FinanceParameters
) -> CommitmentStanding:
    due = accrued_value(commitment=commitment, as_of=as_of)
    cap = due * parameters.commitment_cap_pct / 100
    return CommitmentStanding(
        outcome=commitment.outcome,
        due_value=due,
        delivered_value=commitment.delivered_value,
        counted_value=max(Decimal(0), min(commitment.delivered_value, cap)),
    )
