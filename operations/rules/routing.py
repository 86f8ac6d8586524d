"""Who takes an execution: its priority and the CSM it goes to. Pure.

Source: ITP T5.2 (senior CSM, priority Critical); operations map (matching criteria).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from cs_integrations.customers.health import Zone, zone
from operations.rules.parameters import PARAMETERS, OperationsParameters


class Priority(StrEnum):
    """How pressing an execution is, most pressing first."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"


class Seniority(StrEnum):
    """Experience of a CSM."""

    SENIOR = "senior"
    MANAGER = "manager"
    COORDINATOR = "coordinator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """The priority of a customer's execution and the numbers behind it."""

    priority: Priority
    zone: Zone | None
    drop: Decimal | None  # points lost since the highest score of the window, >= 0
    reasons: tuple[str, ...] = ()

    @property
    def needs_senior(self) -> bool:
        """Whether the execution goes to a senior CSM."""
        return self.priority is Priority.CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A CSM who could take the execution."""

    code: str
    seniority: Seniority
    is_active: bool  # employed today
    is_absent: bool  # an absence covers today
    open_executions: int  # assigned and not finished
    skill_levels: Mapping[str, int] = field(default_factory=dict)  # skill code to 1-5
    segment_finished: int = 0  # past executions with the segment, completed or failed
    segment_completed: int = 0  # <= segment_finished
    leads_account: bool = False  # holds the customer's current lead assignment


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateScore:
    """How well a free CSM fits; every part is 0 to 1."""

    code: str
    skill_cover: Decimal
    free_capacity: Decimal
    past_success: Decimal | None  # None: no finished execution with the segment
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The CSM an execution goes to, None when nobody is free, and all that were weighed."""

    csm_code: str | None
    scores: tuple[CandidateScore, ...]  # best first
    reasons: tuple[str, ...] = ()


def customer_urgency(
    *,
    score: Decimal | None,
    highest_score: Decimal | None,
    has_executive_sponsor: bool,
    parameters: OperationsParameters = PARAMETERS,
) -> Urgency:
    """Return the priority of an execution for a customer.

    ``score`` is the latest computed health, ``highest_score`` the highest of the last 30
    days, both 0 to 100. In distress is who is red or fell by more than 20 points; with an
    executive sponsor that is critical, without one high. Source: ITP T5.2; framework (<60).
    """
    if score is None:
        unknown = ("The customer has no computed health; it counts as not in distress.",)
        return Urgency(priority=Priority.NORMAL, zone=None, drop=None, reasons=unknown)
    drop = max(Decimal(0), (highest_score if highest_score is not None else score) - score)
    current = zone(score)
    causes = []
    if current is Zone.RED:
        causes.append(f"The customer's health is red ({score}).")
    if drop > parameters.sudden_drop_points:
        causes.append(f"Its health fell by {drop} points in {parameters.sudden_drop_days} days.")
    if not causes:
        return Urgency(priority=Priority.NORMAL, zone=current, drop=drop)
    if has_executive_sponsor:
        causes.append("An executive sponsor stands behind it.")
    priority = Priority.CRITICAL if has_executive_sponsor else Priority.HIGH
    return Urgency(priority=priority, zone=current, drop=drop, reasons=tuple(causes))


def is_free(*, candidate: Candidate, parameters: OperationsParameters = PARAMETERS) -> bool:
    """Say whether a CSM can take one more execution; modelled hours do not count."""
    return (
        candidate.is_active
        and not candidate.is_absent
        and candidate.open_executions < parameters.open_execution_limit
    )


def candidate_fit(
    *,
    candidate: Candidate,
    needs: Mapping[str, Decimal],
    parameters: OperationsParameters = PARAMETERS,
) -> CandidateScore:
    """Return how well a CSM fits an account.

    ``needs`` gives each needed skill's share of the account's hours, > 0. Without past
    executions in the segment that part is left out and the other weights are renormalized.
    """
    cover = _skill_cover(candidate, needs, parameters)
    capacity = 1 - Decimal(candidate.open_executions) / parameters.open_execution_limit
    capacity = max(Decimal(0), capacity)
    weighted = parameters.skill_cover_weight * cover + parameters.free_capacity_weight * capacity
    weights = parameters.skill_cover_weight + parameters.free_capacity_weight
    success = None
    if candidate.segment_finished:
        success = Decimal(candidate.segment_completed) / candidate.segment_finished
        weighted += parameters.past_success_weight * success
        weights += parameters.past_success_weight
    return CandidateScore(
        code=candidate.code,
        skill_cover=cover,
        free_capacity=capacity,
        past_success=success,
        total=weighted / weights,
    )


def route_execution(
    *,
    urgency: Urgency,
    candidates: Collection[Candidate],
    needs: Mapping[str, Decimal],
    parameters: OperationsParameters = PARAMETERS,
) -> Routing:
    """Choose the CSM of an execution: the best fit among those who are free.

    A critical execution goes to a senior CSM; when no senior is free, to the best other
    one, since a critical customer must not wait. On a tie the account's own lead comes
    first, then who has fewer open executions, then the code.
    """
    free = [item for item in candidates if is_free(candidate=item, parameters=parameters)]
    if not free:
        return Routing(csm_code=None, scores=(), reasons=("No CSM is free.",))
    seniors = [item for item in free if item.seniority is Seniority.SENIOR]
    reasons = urgency.reasons
    if urgency.needs_senior and not seniors:
        reasons = (*reasons, "No senior CSM is free; the best other one takes it.")
    pool = seniors if urgency.needs_senior and seniors else free
    scores = _ranked(pool, needs, parameters)
    untried = [score.code for score in scores if score.past_success is None]
    if untried:
        names = ", ".join(untried)
        reasons = (*reasons, f"No finished execution with this segment yet: {names}.")
    return Routing(csm_code=scores[0].code, scores=scores, reasons=reasons)


def _ranked(
    pool: Collection[Candidate], needs: Mapping[str, Decimal], parameters: OperationsParameters
) -> tuple[CandidateScore, ...]:
    scored = [
        (candidate_fit(candidate=item, needs=needs, parameters=parameters), item) for item in pool
    ]
    scored.sort(
        key=lambda pair: (
            -pair[0].total,
            not pair[1].leads_account,
            pair[1].open_executions,
            pair[1].code,
        )
    )
    return tuple(score for score, _ in scored)


def _skill_cover(
    candidate: Candidate, needs: Mapping[str, Decimal], parameters: OperationsParameters
) -> Decimal:
    """Return the share of the needed hours in skills the CSM masters; 1 without needs."""
    needed = sum(needs.values(), Decimal(0))
    if not needed:
        return Decimal(1)
    mastered = sum(
        (
            share
            for skill, share in needs.items()
            if candidate.skill_levels.get(skill, 0) >= parameters.skilled_from_level
        ),
        Decimal(0),
    )
    return mastered / needed
