"""The return on the cost of Customer Success that a contract is heading for.

This is the return of the CS programme (goal 12x), not the customer's own return on the fees
it pays, which the expansion rules of sales look at.

Source: spec, Value Realization API; ITP T4.1; docs/rules/finance.md.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from cs_integrations.api import formats
from finance.rules.contracts import ContractTerm
from finance.rules.parameters import PARAMETERS, FinanceParameters

_ZERO = Decimal(0)


class OutcomeKind(StrEnum):
    """What kind of value Customer Success brought about."""

    EXPANSION = "expansion"
    PROTECTED_REVENUE = "protected_revenue"
    CHURN_PREVENTED = "churn_prevented"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeFact:
    """An amount of revenue and the share of it that Customer Success may claim."""

    kind: OutcomeKind
    occurred_date: date
    amount: Decimal  # US dollars; negative for a correction
    share: Decimal | None = None  # 0 to 1; None: by the policy in force on that day


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFact:
    """A share agreed between the departments, in force until the next one of its kind."""

    kind: OutcomeKind
    share: Decimal  # 0 to 1
    valid_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFact:
    """What Customer Success spent on a contract in one month."""

    month: date  # its first day
    hours: Decimal
    hourly_rate: Decimal | None = None  # US dollars; None: the default rate
    tool_cost: Decimal = Decimal(0)  # US dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """An amount so far and how it grows, in US dollars."""

    to_date: Decimal = Decimal(0)
    monthly: Decimal = Decimal(0)

    def projected(self, *, months: int) -> Decimal:
        """Return the amount after so many more months at this pace."""
        return self.to_date + self.monthly * months


@dataclass(frozen=True, slots=True, kw_only=True)
class RoiTrajectory:
    """The projected multiple of outcome value over CS cost, and what it is made of.

    ``multiple`` is None before the contract starts and without cost.
    """

    multiple: Decimal | None
    outcome: Pace = Pace()
    cost: Pace = Pace()
    months_left: int = 0
    days_observed: int = 0  # behind the monthly outcome
    outcomes_counted: int = 0
    is_low_confidence: bool = False  # projected from fewer days than the window has
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str | None:
        """The trajectory as the specification writes it: ``11.8x_projected``."""
        return None if self.multiple is None else f"{formats.multiple(self.multiple)}_projected"


def share_in_force(
    *,
    kind: OutcomeKind,
    on: date,
    policies: Collection[PolicyFact],
    parameters: FinanceParameters = PARAMETERS,
) -> Decimal:
    """Return the share, 0 to 1, that Customer Success may claim of this kind on a day.

    Without an agreed policy an expansion counts by the documented share (ITP T4.1: 10,000
    give 6,000) and nothing else counts.
    """
    agreed = _agreed_share(kind, on, policies)
    if agreed is not None:
        return agreed
    if kind == OutcomeKind.EXPANSION:
        return parameters.expansion_share
    return parameters.unagreed_share


def _agreed_share(kind: OutcomeKind, on: date, policies: Collection[PolicyFact]) -> Decimal | None:
    agreed = [policy for policy in policies if policy.kind == kind and policy.valid_from <= on]
    return max(agreed, key=lambda policy: policy.valid_from).share if agreed else None


def credited_value(
    *,
    outcome: OutcomeFact,
    policies: Collection[PolicyFact],
    parameters: FinanceParameters = PARAMETERS,
) -> Decimal:
    """Return the part of an outcome's amount that is credited to CS, in US dollars."""
    if outcome.share is not None:
        return outcome.amount * outcome.share
    return outcome.amount * share_in_force(
        kind=outcome.kind, on=outcome.occurred_date, policies=policies, parameters=parameters
    )


def cs_cost(*, cost: CostFact, parameters: FinanceParameters = PARAMETERS) -> Decimal:
    """Return a month's CS cost in US dollars: hours at the loaded rate, and the tools' share."""
    rate = parameters.default_hourly_rate if cost.hourly_rate is None else cost.hourly_rate
    return cost.hours * rate + cost.tool_cost


def months_left(
    *, term: ContractTerm, as_of: date, parameters: FinanceParameters = PARAMETERS
) -> int:
    """Return the whole months until the contract's last day, half-up, never below 0."""
    days = max(0, (term.last_day - as_of).days)
    return int(formats.half_up(Decimal(days) / parameters.days_in_month))


def roi_trajectory(
    *,
    term: ContractTerm,
    outcomes: Collection[OutcomeFact],
    costs: Collection[CostFact],
    policies: Collection[PolicyFact],
    as_of: date,
    parameters: FinanceParameters = PARAMETERS,
) -> RoiTrajectory:
    """Return the multiple of outcome value over CS cost that the whole term is heading for.

    ``(outcome to date + monthly outcome * months left) / (cost to date + monthly cost *
    months left)``; of an ended contract, the actual multiple.
    """
    if not term.has_started(as_of=as_of):
        reason = f"The contract starts on {term.start_date}, so there is no return yet."
        return RoiTrajectory(multiple=None, reasons=(reason,))
    happened = [outcome for outcome in outcomes if outcome.occurred_date <= as_of]
    days = min(parameters.outcome_window_days, (as_of - term.start_date).days + 1)
    outcome = _outcome_pace(happened, policies, as_of - timedelta(days=days), days, parameters)
    cost = _cost_pace(costs, as_of, parameters)
    left = months_left(term=term, as_of=as_of, parameters=parameters)
    spent = cost.projected(months=left)
    is_short = left > 0 and days < parameters.outcome_window_days
    return RoiTrajectory(
        multiple=outcome.projected(months=left) / spent if spent else None,
        outcome=outcome,
        cost=cost,
        months_left=left,
        days_observed=days,
        outcomes_counted=len(happened),
        is_low_confidence=is_short,
        reasons=_reasons(
            has_cost=bool(spent),
            has_ended=term.has_ended(as_of=as_of),
            short_days=days if is_short else None,
            unagreed=sum(_is_unagreed(outcome, policies) for outcome in happened),
        ),
    )


def _is_unagreed(outcome: OutcomeFact, policies: Collection[PolicyFact]) -> bool:
    """Say whether an outcome has no share, neither its own nor an agreed or documented one."""
    if outcome.share is not None or outcome.kind == OutcomeKind.EXPANSION:
        return False
    return _agreed_share(outcome.kind, outcome.occurred_date, policies) is None


def _outcome_pace(
    outcomes: Collection[OutcomeFact],
    policies: Collection[PolicyFact],
    before_window: date,
    days: int,
    parameters: FinanceParameters,
) -> Pace:
    credited = [
        (
            outcome.occurred_date,
            credited_value(outcome=outcome, policies=policies, parameters=parameters),
        )
        for outcome in outcomes
    ]
    recent = _total(value for day, value in credited if day > before_window)
    return Pace(
        to_date=_total(value for _, value in credited),
        monthly=recent * parameters.days_in_month / days,
    )


def _cost_pace(costs: Collection[CostFact], as_of: date, parameters: FinanceParameters) -> Pace:
    """Return the cost of the months that are over; the running month has no cost yet."""
    running_month = as_of.replace(day=1)
    closed = [
        cs_cost(cost=cost, parameters=parameters)
        for cost in sorted(costs, key=lambda cost: cost.month)
        if cost.month < running_month
    ]
    recent = closed[-parameters.cost_window_months :]
    return Pace(to_date=_total(closed), monthly=_total(recent) / len(recent) if recent else _ZERO)


def _reasons(
    *, has_cost: bool, has_ended: bool, short_days: int | None, unagreed: int
) -> tuple[str, ...]:
    sentences = []
    if not has_cost:
        sentences.append("No month that is over has a CS cost, so there is no return on it.")
    if has_ended:
        sentences.append("The contract has ended, so the projection equals the actual return.")
    if short_days is not None:
        sentences.append(f"Low confidence: the monthly outcome rests on {short_days} days.")
    if unagreed:
        sentences.append(f"No share was agreed for {unagreed} of the outcomes.")
    return tuple(sentences)


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _ZERO)
