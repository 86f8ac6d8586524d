"""How urgent a piece of feedback is and which ticket it belongs to. Pure.

Source: spec, Feedback Submission API; CS/satisfaction/summary.md and
XD/product-integration-map.md name the inputs; docs/rules/product.md gives the weights.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from cs_integrations.api.formats import half_up
from cs_integrations.customers.health import Zone
from product.rules.parameters import PARAMETERS, ProductParameters

TICKET_PREFIX = "PROD"
# Eighteen digits always fit the database's 64-bit number.
TICKET_PATTERN = rf"^{TICKET_PREFIX}-[1-9][0-9]{{0,17}}$"


class Priority(StrEnum):
    """Urgency of a ticket, most urgent first; the names sort in this order."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


class Tier(StrEnum):
    """Account tier of the reporting customer: its segment."""

    ENTERPRISE = "enterprise"
    MID_MARKET = "mid_market"
    SMALL_BUSINESS = "small_business"


class TicketMove(StrEnum):
    """What a submission does to the customer's tickets for the feature."""

    REPEAT = "repeat"  # the first answer again, nothing stored
    APPEND = "append"  # further evidence for the open ticket
    OPEN = "open"  # a new ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a caller reports of one customer and one feature."""

    impact_score: int  # 1 to 10
    evidence: str  # a URL or reference, never fetched
    kind: str = ""  # "type" on the wire
    category: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityParts:
    """The four parts of a priority score, each 0 to 100 points."""

    impact: Decimal
    tier: Decimal
    prevalence: Decimal
    risk: Decimal | None  # None: the customer has no health yet


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackPriority:
    """A priority score, its parts and the priority it means."""

    parts: PriorityParts
    score: Decimal  # 0 to 100, two places
    priority: Priority
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPriority:
    """Where a ticket stands; over its life it only rises."""

    score: Decimal
    priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierFeedback:
    """A submission of the same customer for the same feature."""

    feedback_id: int
    ticket_number: int
    evidence: str
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketChoice:
    """The move, the ticket it concerns and, for a repeat, the submission that was repeated."""

    move: TicketMove
    ticket_number: int | None = None
    feedback_id: int | None = None


def ticket_id(number: int) -> str:
    """Return the public id of a ticket: ``"PROD-1234"``."""
    return f"{TICKET_PREFIX}-{number}"


def ticket_number(text: str) -> int | None:
    """Return the number in a ticket id, or None when the text is not a ticket id."""
    if not re.fullmatch(TICKET_PATTERN, text):
        return None
    return int(text.removeprefix(f"{TICKET_PREFIX}-"))


def prevalence_points(*, reporters: int, parameters: ProductParameters = PARAMETERS) -> Decimal:
    """Return the points for the number of customers that reported the feature in 90 days.

    ``reporters`` counts distinct customers and includes the one reporting now.
    """
    if reporters >= parameters.prevalence_most_from:
        return parameters.prevalence_most_points
    if reporters >= parameters.prevalence_many_from:
        return parameters.prevalence_many_points
    if reporters >= parameters.prevalence_few_from:
        return parameters.prevalence_few_points
    return parameters.prevalence_one_points


def feedback_priority(
    *,
    impact_score: int,
    tier: Tier,
    reporters: int,
    zone: Zone | None,
    parameters: ProductParameters = PARAMETERS,
) -> FeedbackPriority:
    """Return the priority of one submission.

    ``impact_score`` is 1 to 10; ``zone`` is the customer's computed health zone, None when
    it has no health: the risk part is then dropped and the other weights are scaled up.
    """
    tiers = {
        Tier.ENTERPRISE: parameters.enterprise_points,
        Tier.MID_MARKET: parameters.mid_market_points,
        Tier.SMALL_BUSINESS: parameters.small_business_points,
    }
    risks = {
        Zone.RED: parameters.red_points,
        Zone.YELLOW: parameters.yellow_points,
        Zone.GREEN: parameters.green_points,
    }
    parts = PriorityParts(
        impact=impact_score * parameters.impact_points_each,
        tier=tiers[tier],
        prevalence=prevalence_points(reporters=reporters, parameters=parameters),
        risk=risks[zone] if zone is not None else None,
    )
    return priority_of(parts=parts, parameters=parameters)


def priority_of(
    *, parts: PriorityParts, parameters: ProductParameters = PARAMETERS
) -> FeedbackPriority:
    """Return the weighted score of the parts and its priority.

    The score is rounded half-up to two places first, so that the stored score and the
    priority always agree.
    """
    weighted = (
        parameters.impact_weight * parts.impact
        + parameters.tier_weight * parts.tier
        + parameters.prevalence_weight * parts.prevalence
    )
    weights = parameters.impact_weight + parameters.tier_weight + parameters.prevalence_weight
    reasons: tuple[str, ...] = ()
    if parts.risk is None:
        reasons = ("The risk part was left out: the customer has no computed health yet.",)
    else:
        weighted += parameters.risk_weight * parts.risk
        weights += parameters.risk_weight
    score = half_up(weighted / weights, parameters.score_step)
    return FeedbackPriority(
        parts=parts, score=score, priority=_band(score, parameters), reasons=reasons
    )


def with_prevalence(
    *, parts: PriorityParts, reporters: int, parameters: ProductParameters = PARAMETERS
) -> FeedbackPriority:
    """Return the priority of stored parts after more customers reported the same feature."""
    points = prevalence_points(reporters=reporters, parameters=parameters)
    return priority_of(parts=replace(parts, prevalence=points), parameters=parameters)


def ticket_priority(
    *, current: TicketPriority | None, proposed: Iterable[FeedbackPriority]
) -> TicketPriority:
    """Return where a ticket stands after its submissions were scored: it rises, never falls.

    :raises ValueError: the ticket has no standing and nothing was proposed
    """
    standings = [(item.score, item.priority) for item in proposed]
    if current is not None:
        standings.append((current.score, current.priority))
    return TicketPriority(
        score=max(score for score, _ in standings),
        priority=min(priority for _, priority in standings),
    )


def choose_ticket(
    *,
    evidence: str,
    at: datetime,
    earlier: Iterable[EarlierFeedback],
    open_ticket: int | None,
    parameters: ProductParameters = PARAMETERS,
) -> TicketChoice:
    """Return the ticket that a submission belongs to.

    The same evidence within 24 hours is a repeat, whatever became of the ticket; else the
    customer's open ticket for the feature takes it; a closed ticket is never opened again.
    ``open_ticket`` is the number of that open ticket, None when there is none.
    """
    window = timedelta(hours=parameters.repeat_window_hours)
    repeats = [
        item for item in earlier if item.evidence == evidence and at - item.submitted_at <= window
    ]
    if repeats:
        latest = max(repeats, key=lambda item: (item.submitted_at, item.feedback_id))
        return TicketChoice(
            move=TicketMove.REPEAT,
            ticket_number=latest.ticket_number,
            feedback_id=latest.feedback_id,
        )
    if open_ticket is not None:
        return TicketChoice(move=TicketMove.APPEND, ticket_number=open_ticket)
    return TicketChoice(move=TicketMove.OPEN)


def _band(score: Decimal, parameters: ProductParameters) -> Priority:
    if score >= parameters.p0_from:
        return Priority.P0
    if score >= parameters.p1_from:
        return Priority.P1
    return Priority.P2 if score >= parameters.p2_from else Priority.P3
