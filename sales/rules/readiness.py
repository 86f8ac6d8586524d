"""Whether a customer is ready to buy more: five weighted factors, three gates. Pure.

Source: spec, Expansion Opportunity API; both maps name the factors; ITP T1.2 the threshold.
docs/rules/sales.md, heading sales.expansion.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from cs_integrations.api.formats import half_up
from cs_integrations.customers.health import Zone, zone
from sales.rules.capacity import CapacityScore
from sales.rules.parameters import PARAMETERS, SalesParameters


class Factor(StrEnum):
    """What readiness is made of."""

    VALUE = "value"
    HEALTH = "health"
    CAPACITY = "capacity"
    EXECUTIVE = "executive"
    TIMING = "timing"


class Gate(StrEnum):
    """What holds readiness down, however good the factors are."""

    RED_ZONE = "red_zone"
    OPEN_ESCALATION = "open_escalation"
    PAYMENT_TROUBLE = "payment_trouble"


class SponsorLevel(StrEnum):
    """Rank of an executive sponsor, highest first."""

    C_LEVEL = "c_level"
    VP = "vp"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sponsor:
    """An executive sponsor who is still at the customer."""

    level: SponsorLevel
    nps: int | None  # latest answer, 0 to 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessFacts:
    """What is known of one customer; None means not known."""

    is_churned: bool
    delivery_pct: Decimal | None  # delivered against committed, 102 means 102%
    health: Decimal | None  # latest computed score, 0 to 100
    capacity: CapacityScore | None
    sponsors: tuple[Sponsor, ...] | None  # empty: stakeholders are known, none is a sponsor
    days_to_renewal: int | None  # negative: the renewal is overdue
    has_payment_trouble: bool  # late or disputed in finance's trailing window
    highest_open_escalation: int | None  # tier; None: no open escalation


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorScore:
    """A known factor's points, 0 to 100, and its weight before renormalizing."""

    factor: Factor
    points: Decimal
    weight: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCap:
    """A gate that is closed, and the score it allows at most."""

    gate: Gate
    cap: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The readiness score and how it came about.

    ``score`` is a whole number 0 to 100 and the only one that decides; ``weighted_mean`` is
    the value before gates and rounding. Both are None when too few factors are known.
    """

    score: Decimal | None
    weighted_mean: Decimal | None
    factors: tuple[FactorScore, ...]
    gates: tuple[GateCap, ...]
    reasons: tuple[str, ...]


def expansion_readiness(
    *, facts: ReadinessFacts, parameters: SalesParameters = PARAMETERS
) -> Readiness:
    """Return how ready a customer is to buy more.

    The weighted mean of the known factors, renormalized over their weights, rounded half-up
    and held under the lowest closed gate. None with fewer known factors than the parameters
    ask for; 0 for a churned customer.
    """
    if facts.is_churned:
        return _churned()
    factors = _known_factors(facts, parameters)
    gates = _closed_gates(facts, parameters)
    known = {item.factor for item in factors}
    reasons = tuple(f"Factor {name} is not known." for name in Factor if name not in known)
    if len(factors) < parameters.min_known_factors:
        few = f"Readiness needs {parameters.min_known_factors} known factors, {len(factors)} are."
        return Readiness(
            score=None, weighted_mean=None, factors=factors, gates=gates, reasons=(*reasons, few)
        )
    total = sum((item.weight for item in factors), Decimal(0))
    mean = sum((item.points * item.weight for item in factors), Decimal(0)) / total
    score = half_up(min([mean, *(gate.cap for gate in gates)]))
    capped = tuple(
        f"Gate {gate.gate} caps readiness at {gate.cap}." for gate in gates if gate.cap < mean
    )
    return Readiness(
        score=score,
        weighted_mean=mean,
        factors=factors,
        gates=gates,
        reasons=(*reasons, *capped),
    )


def is_ready(*, score: Decimal | None, parameters: SalesParameters = PARAMETERS) -> bool:
    """Say whether sales should act on this score (ITP T1.2: above 80)."""
    return score is not None and score > parameters.act_above


def value_points(*, delivery_pct: Decimal, parameters: SalesParameters = PARAMETERS) -> Decimal:
    """Return the points of value realized, by delivery against commitment."""
    if delivery_pct >= parameters.delivery_high_pct:
        return parameters.points_high
    if delivery_pct >= parameters.delivery_middle_pct:
        return parameters.points_middle
    return parameters.points_low


def executive_points(
    *, sponsors: Collection[Sponsor], parameters: SalesParameters = PARAMETERS
) -> Decimal:
    """Return the points of executive readiness: the mean of the sponsor's level and NPS.

    The most senior sponsor counts, among equals the least happy one who answered; without an
    answer the level alone. No sponsor among the known stakeholders is the lowest band.
    """
    if not sponsors:
        return parameters.points_low
    by_level = {
        SponsorLevel.C_LEVEL: parameters.points_high,
        SponsorLevel.VP: parameters.points_middle,
        SponsorLevel.MANAGER: parameters.points_low,
    }
    level = max(by_level[sponsor.level] for sponsor in sponsors)
    answers = [
        sponsor.nps
        for sponsor in sponsors
        if by_level[sponsor.level] == level and sponsor.nps is not None
    ]
    if not answers:
        return level
    return (level + _nps_points(min(answers), parameters)) / 2


def timing_points(*, days_to_renewal: int, parameters: SalesParameters = PARAMETERS) -> Decimal:
    """Return the points of the time left to the renewal; an overdue one counts as close."""
    if days_to_renewal < parameters.timing_best_from_days:
        return parameters.timing_close_points
    if days_to_renewal <= parameters.timing_best_to_days:
        return parameters.timing_best_points
    if days_to_renewal <= parameters.timing_early_to_days:
        return parameters.timing_early_points
    return parameters.timing_far_points


def _churned() -> Readiness:
    return Readiness(
        score=Decimal(0),
        weighted_mean=None,
        factors=(),
        gates=(),
        reasons=("The customer has churned.",),
    )


def _nps_points(answer: int, parameters: SalesParameters) -> Decimal:
    if answer >= parameters.promoter_from:
        return parameters.points_high
    return parameters.points_middle if answer >= parameters.passive_from else parameters.points_low


def _known_factors(facts: ReadinessFacts, parameters: SalesParameters) -> tuple[FactorScore, ...]:
    value = executive = timing = None
    if facts.delivery_pct is not None:
        value = value_points(delivery_pct=facts.delivery_pct, parameters=parameters)
    if facts.sponsors is not None:
        executive = executive_points(sponsors=facts.sponsors, parameters=parameters)
    if facts.days_to_renewal is not None:
        timing = timing_points(days_to_renewal=facts.days_to_renewal, parameters=parameters)
    capacity = facts.capacity.points if facts.capacity else None
    scored = (
        (Factor.VALUE, value, parameters.value_weight),
        (Factor.HEALTH, facts.health, parameters.health_weight),
        (Factor.CAPACITY, capacity, parameters.capacity_weight),
        (Factor.EXECUTIVE, executive, parameters.executive_weight),
        (Factor.TIMING, timing, parameters.timing_weight),
    )
    return tuple(
        FactorScore(factor=factor, points=points, weight=weight)
        for factor, points, weight in scored
        if points is not None
    )


def _closed_gates(facts: ReadinessFacts, parameters: SalesParameters) -> tuple[GateCap, ...]:
    is_red = facts.health is not None and zone(facts.health) is Zone.RED
    tier = facts.highest_open_escalation
    is_escalated = tier is not None and tier >= parameters.escalation_from_tier
    gates = (
        (is_red, Gate.RED_ZONE, parameters.red_zone_cap),
        (is_escalated, Gate.OPEN_ESCALATION, parameters.escalation_cap),
        (facts.has_payment_trouble, Gate.PAYMENT_TROUBLE, parameters.payment_cap),
    )
    return tuple(GateCap(gate=gate, cap=cap) for is_closed, gate, cap in gates if is_closed)
