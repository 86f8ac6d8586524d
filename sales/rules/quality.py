"""How well a handoff was done, and by when it is due. Pure.

Source: operations/coordination-implementation.md (parts and weights); CS/onboarding (deadline).
docs/rules/sales.md, heading sales.handoff.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sales.rules.handoff import HandoffItemCode
from sales.rules.parameters import FULL_SCORE, PARAMETERS, SalesParameters

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffQuality:
    """The four parts and their weighted mean, 0 to 100 points; an unknown part is None."""

    completeness: Decimal
    timeliness: Decimal | None
    accuracy: Decimal | None
    follow_up: Decimal | None
    score: Decimal
    meets_goal: bool
    reasons: tuple[str, ...]


def handoff_deadline(*, closed_at: datetime, parameters: SalesParameters = PARAMETERS) -> datetime:
    """Return the moment by which the handoff of a deal closed then has to be complete."""
    return closed_at + timedelta(days=parameters.handoff_deadline_days)


def timeliness_points(
    *,
    closed_at: datetime,
    completed_at: datetime | None,
    at: datetime,
    parameters: SalesParameters = PARAMETERS,
) -> Decimal | None:
    """Return 100 points for a handoff in time, fewer for each started day after the deadline.

    An open handoff counts as if it were completed now; None while it is open and not due.
    """
    deadline = handoff_deadline(closed_at=closed_at, parameters=parameters)
    if completed_at is None and at <= deadline:
        return None
    late = max((completed_at or at) - deadline, timedelta(0))
    started_days = -(-late // _ONE_DAY)
    return max(Decimal(0), FULL_SCORE - parameters.late_points_per_day * started_days)


def handoff_quality(
    *,
    gap_count: int,
    timeliness: Decimal | None,
    accuracy: Decimal | None,
    follow_up: Decimal | None,
    parameters: SalesParameters = PARAMETERS,
) -> HandoffQuality:
    """Return the quality of a handoff, the unknown parts left out and the rest renormalised.

    ``gap_count`` is 0 to 8; ``accuracy`` and ``follow_up`` are what the reviewer gave, 0 to
    100 points.
    """
    items = len(HandoffItemCode)
    completeness = FULL_SCORE * (items - gap_count) / items
    parts = (
        ("completeness", completeness, parameters.completeness_weight),
        ("timeliness", timeliness, parameters.timeliness_weight),
        ("accuracy", accuracy, parameters.accuracy_weight),
        ("follow_up", follow_up, parameters.follow_up_weight),
    )
    known = [(points, weight) for _, points, weight in parts if points is not None]
    total = sum((weight for _, weight in known), Decimal(0))
    score = sum((points * weight for points, weight in known), Decimal(0)) / total
    return HandoffQuality(
        completeness=completeness,
        timeliness=timeliness,
        accuracy=accuracy,
        follow_up=follow_up,
        score=score,
        meets_goal=score >= parameters.quality_goal,
        reasons=tuple(
            f"{name} is not known and left out." for name, points, _ in parts if points is None
        ),
    )
