"""The CSM team: who works, what they master and carry, and how pressing a customer is."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from cs_integrations.customers.models import Customer, HealthSnapshot
from cs_integrations.customers.queries import executive_standing, latest_health, still
from operations import rules
from operations.models import (
    ACTIVE,
    Absence,
    AccountSkillNeed,
    Assignment,
    Csm,
    CsmSkill,
    WorkflowExecution,
)
from operations.rules import PARAMETERS, OperationsParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a customer's execution needs: how pressing it is and who should take it.

    Scores are 0 to 100 points.
    """

    score: Decimal | None  # the latest computed health
    highest_score: Decimal | None  # of the window in which a drop is sudden
    has_executive_sponsor: bool
    skill_needs: Mapping[str, Decimal]  # each skill's share of the account's hours, 0 to 1
    urgency: rules.Urgency


def situations(
    *, customer_ids: Collection[int], on: date, parameters: OperationsParameters = PARAMETERS
) -> dict[int, Situation]:
    """Return how pressing each customer is on a day, and the skills it needs."""
    latest = latest_health(customer_ids=customer_ids, on=on)
    since = on - timedelta(days=parameters.sudden_drop_days)
    highest = _highest_scores(customer_ids, since, on)
    sponsors = executive_standing(customer_ids=customer_ids, on=on)
    needs = skill_needs(customer_ids=customer_ids)
    found = {}
    for customer_id in customer_ids:
        score = latest[customer_id].score if customer_id in latest else None
        sponsor = sponsors.get(customer_id)
        is_executive = sponsor is not None and sponsor.level in parameters.executive_levels
        found[customer_id] = Situation(
            score=score,
            highest_score=highest.get(customer_id),
            has_executive_sponsor=is_executive,
            skill_needs=needs.get(customer_id, {}),
            urgency=rules.customer_urgency(
                score=score,
                highest_score=highest.get(customer_id),
                has_executive_sponsor=is_executive,
                parameters=parameters,
            ),
        )
    return found


def candidates(
    *, customer: Customer, on: date, parameters: OperationsParameters = PARAMETERS
) -> list[rules.Candidate]:
    """Return every CSM employed on a day, with what decides who takes a customer's execution."""
    absent = Absence.objects.filter(csm=OuterRef("pk"), start_date__lte=on, end_date__gte=on)
    leading = Assignment.objects.filter(
        still("end_date", on),
        csm=OuterRef("pk"),
        customer=customer,
        role=Assignment.Role.LEAD,
        start_date__lte=on,
    )
    rows = list(
        _employed(on)
        .annotate(is_absent=Exists(absent), leads_account=Exists(leading))
        .order_by("pk")
    )
    ids = [csm.pk for csm in rows]
    carried, levels = _open_executions(ids), _skill_levels(ids)
    since = on - timedelta(days=parameters.past_success_days)
    past = _past_executions(ids, customer.segment, since)
    return [
        rules.Candidate(
            code=csm.code,
            seniority=rules.Seniority(csm.seniority),
            is_active=True,
            is_absent=csm.is_absent,
            open_executions=carried.get(csm.pk, 0),
            skill_levels=levels[csm.pk],
            segment_finished=past.get(csm.pk, (0, 0))[0],
            segment_completed=past.get(csm.pk, (0, 0))[1],
            leads_account=csm.leads_account,
        )
        for csm in rows
    ]


def skill_needs(*, customer_ids: Collection[int] | None) -> dict[int, dict[str, Decimal]]:
    """Return the skills that each customer needs, with their shares of its hours, 0 to 1.

    ``customer_ids`` None means every active customer. Skills out of use are left out.
    """
    rows = AccountSkillNeed.objects.filter(skill__is_active=True)
    if customer_ids is None:
        rows = rows.filter(customer__status=Customer.Status.ACTIVE)
    else:
        rows = rows.filter(customer_id__in=customer_ids)
    needs: dict[int, dict[str, Decimal]] = {}
    for customer_id, code, share in rows.values_list("customer_id", "skill__code", "hours_share"):
        needs.setdefault(customer_id, {})[code] = share
    return needs


def active_csms(*, on: date) -> frozenset[str]:
    """Return the codes of the CSMs employed on a day; offered to the other domains."""
    return frozenset(_employed(on).values_list("code", flat=True))


def _employed(on: date) -> QuerySet[Csm]:
    return Csm.objects.filter(Q(active_to__gte=on) | Q(active_to__isnull=True), active_from__lte=on)


def _highest_scores(customer_ids: Collection[int], start: date, end: date) -> dict[int, Decimal]:
    rows = (
        HealthSnapshot.objects.filter(
            customer_id__in=customer_ids,
            source=HealthSnapshot.Source.COMPUTED,
            measured_date__range=(start, end),
        )
        .values("customer_id")
        .annotate(highest=Max("score"))
        .values_list("customer_id", "highest")
    )
    return dict(rows)


def _open_executions(csm_ids: Collection[int]) -> dict[int, int]:
    rows = (
        WorkflowExecution.objects.filter(assignee__in=csm_ids, status__in=ACTIVE)
        .values("assignee")
        .annotate(carried=Count("pk"))
        .values_list("assignee", "carried")
    )
    return dict(rows)


def _past_executions(
    csm_ids: Collection[int], segment: str, since: date
) -> dict[int, tuple[int, int]]:
    """Return how many executions each CSM finished with the segment, and completed of these."""
    completed = Q(status=WorkflowExecution.Status.COMPLETED)
    rows = (
        WorkflowExecution.objects.filter(
            completed | Q(status=WorkflowExecution.Status.FAILED),
            assignee__in=csm_ids,
            customer__segment=segment,
            finished_at__date__gte=since,
        )
        .values("assignee")
        .annotate(finished=Count("pk"), completed=Count("pk", filter=completed))
        .values_list("assignee", "finished", "completed")
    )
    return {csm_id: (finished, done) for csm_id, finished, done in rows}


def _skill_levels(csm_ids: Collection[int]) -> Mapping[int, dict[str, int]]:
    levels: defaultdict[int, dict[str, int]] = defaultdict(dict)
    rows = CsmSkill.objects.filter(csm__in=csm_ids, skill__is_active=True)
    for csm_id, code, level in rows.values_list("csm_id", "skill__code", "level"):
        levels[csm_id][code] = level
    return levels
