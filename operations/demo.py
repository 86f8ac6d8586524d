"""The operations demo facts: the team, what the accounts need, what was and is being done.

Every enterprise account needs a skill that only the senior CSM masters, which is the gap of
the specification's forecast. The open executions are begun by the command itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from cs_integrations.customers.demo.portfolio import Portfolio
from cs_integrations.customers.demo.roster import Account
from cs_integrations.customers.health import Zone
from cs_integrations.customers.models import Customer, Segment
from operations import actions, rules
from operations.catalogue import load_catalogue
from operations.models import (
    Absence,
    AccountSkillNeed,
    Assignment,
    Csm,
    CsmSkill,
    Escalation,
    ExecutionStep,
    Priority,
    Skill,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowStep,
)

ENT, MID, SMALL = Segment.ENTERPRISE, Segment.MID_MARKET, Segment.SMALL_BUSINESS
SHOWCASE = "cust_123"  # of the specification's execution example; nothing is open for it
LEADS = {ENT: "csm_senior", MID: "csm_mid", SMALL: "csm_small"}
PAST_EXECUTIONS = 40
FAILED = (11, 29)  # of the past ones: 95% were completed
FAILED_PLAYBOOK = "wf_beta_support"
FAILURE = "Nobody looks after this customer, so nobody can be told."
RETRYING = timedelta(seconds=7)  # 1 + 2 + 4
LATE_EVERY = 10  # of the past ones, one in so many missed its due time


@dataclass(frozen=True, slots=True)
class _Person:
    """A CSM of the demo; ``away`` are days from today, first and last."""

    code: str
    name: str
    seniority: Csm.Seniority
    days_employed: int
    away: tuple[int, int]
    levels: dict[str, int]


TEAM = (
    _Person(
        "csm_senior",
        "Helena Strand",
        Csm.Seniority.SENIOR,
        1500,
        (-60, -56),
        {
            "enterprise_complexity": 5,
            "executive_engagement": 5,
            "renewal_negotiation": 4,
            "financial_compliance": 3,
            "technical_integration": 3,
        },
    ),
    _Person(
        "csm_mid",
        "Marcus Oyelaran",
        Csm.Seniority.MANAGER,
        900,
        (40, 43),
        {
            "technical_integration": 4,
            "healthcare_compliance": 4,
            "financial_compliance": 4,
            "renewal_negotiation": 3,
            "data_migration": 3,
            "enterprise_complexity": 2,
        },
    ),
    _Person(
        "csm_small",
        "Nadia Ferrante",
        Csm.Seniority.COORDINATOR,
        450,
        (-20, -18),
        {
            "onboarding_delivery": 4,
            "ecommerce_seasonality": 4,
            "deliverability": 4,
            "data_migration": 2,
        },
    ),
)
INDUSTRY_NEEDS = {
    "agency": ("deliverability", Decimal("0.250")),
    "saas": ("technical_integration", Decimal("0.250")),
    "ecommerce": ("ecommerce_seasonality", Decimal("0.400")),
    "financial": ("financial_compliance", Decimal("0.400")),
    "healthcare": ("healthcare_compliance", Decimal("0.400")),
}
USUAL_PLAYBOOKS = {
    Zone.GREEN: ("wf_qbr", "wf_expansion_handoff", "wf_beta_support"),
    Zone.YELLOW: ("wf_adoption_boost", "wf_retention_recovery", "wf_renewal_90d"),
    Zone.RED: ("wf_health_decline_intervention", "wf_retention_recovery", "wf_renewal_90d"),
}


@dataclass(frozen=True, slots=True)
class _OpenCase:
    """An execution that is not finished today, of the n-th account of a zone and segment."""

    segment: Segment
    zone: Zone
    place: int
    code: str
    tier: int
    began_minutes_ago: int


OPEN_CASES = (
    _OpenCase(ENT, Zone.RED, 0, "wf_executive_escalation", 4, 10),
    _OpenCase(ENT, Zone.RED, 1, "wf_executive_escalation", 3, 30),
    _OpenCase(MID, Zone.RED, 0, "wf_executive_escalation", 3, 45),
    _OpenCase(MID, Zone.RED, 1, "wf_health_decline_intervention", 2, 90),
    _OpenCase(MID, Zone.YELLOW, 2, "wf_health_decline_intervention", 1, 150),
    _OpenCase(SMALL, Zone.RED, 0, "wf_health_decline_intervention", 2, 1800),  # past its due time
)


def build(*, portfolio: Portfolio) -> str:
    """Write the team, the accounts' needs, past executions and the open ones."""
    random = portfolio.rng("operations")
    load_catalogue()
    skills = {skill.code: skill for skill in Skill.objects.all()}
    team = _write_team(portfolio, skills)
    _write_assignments(portfolio, team)
    _write_needs(portfolio, skills)
    _write_past(portfolio, team, random)
    _begin_open_cases(portfolio)
    return f"{len(team)} CSMs, {PAST_EXECUTIONS} past executions, {len(OPEN_CASES)} open ones"


def _write_team(portfolio: Portfolio, skills: dict[str, Skill]) -> dict[str, Csm]:
    team = Csm.objects.bulk_create(
        Csm(
            code=person.code,
            name=person.name,
            seniority=person.seniority,
            active_from=portfolio.as_of - timedelta(days=person.days_employed),
        )
        for person in TEAM
    )
    pairs = list(zip(team, TEAM, strict=True))
    CsmSkill.objects.bulk_create(
        CsmSkill(csm=csm, skill=skills[code], level=level)
        for csm, person in pairs
        for code, level in person.levels.items()
    )
    Absence.objects.bulk_create(
        Absence(
            csm=csm,
            start_date=portfolio.as_of + timedelta(days=person.away[0]),
            end_date=portfolio.as_of + timedelta(days=person.away[1]),
        )
        for csm, person in pairs
    )
    return {csm.code: csm for csm in team}


def _write_assignments(portfolio: Portfolio, team: dict[str, Csm]) -> None:
    """Give every account its lead, and enterprise accounts a backup too."""
    roles = Assignment.Role
    Assignment.objects.bulk_create(
        Assignment(
            customer=portfolio.customers[account.public_id],
            csm=csm,
            role=role,
            start_date=max(account.started_date, csm.active_from),
            end_date=account.churned_date,
        )
        for account in portfolio.accounts.values()
        for csm, role in (
            (team[LEADS[account.segment]], roles.LEAD),
            *(((team["csm_mid"], roles.BACKUP),) if account.segment == ENT else ()),
        )
    )


def _write_needs(portfolio: Portfolio, skills: dict[str, Skill]) -> None:
    AccountSkillNeed.objects.bulk_create(
        AccountSkillNeed(customer=customer, skill=skills[code], hours_share=share)
        for account, customer in portfolio.active()
        for code, share in _needs(account)
    )


def _needs(account: Account) -> Iterator[tuple[str, Decimal]]:
    yield INDUSTRY_NEEDS[account.industry]
    if account.segment == ENT:
        yield "enterprise_complexity", Decimal(1)
        yield "executive_engagement", Decimal("0.150")
    if account.churn_risk:
        yield "renewal_negotiation", Decimal("0.200")
    if account.short_history or account.no_health:
        yield "onboarding_delivery", Decimal("0.500")


def _write_past(portfolio: Portfolio, team: dict[str, Csm], random: Random) -> None:
    """Write executions that ended before the last fortnight, with their steps and escalations."""
    workflows = {workflow.code: workflow for workflow in WorkflowDefinition.objects.all()}
    steps: dict[int, list[WorkflowStep]] = {workflow.pk: [] for workflow in workflows.values()}
    for step in WorkflowStep.objects.order_by("position"):
        steps[step.workflow_id].append(step)
    executions = []
    for number, account in enumerate(_past_accounts(portfolio)):
        workflow = workflows[_playbook(number, account)]
        execution = _past_execution(portfolio, number, account, workflow, random)
        execution.assignee = team[LEADS[account.segment]]
        executions.append(execution)
    WorkflowExecution.objects.bulk_create(executions)
    ExecutionStep.objects.bulk_create(
        step
        for execution in executions
        for step in _past_steps(execution, steps[execution.workflow_id])
    )
    Escalation.objects.bulk_create(
        _past_escalation(execution)
        for execution in executions
        if rules.opens_escalation(tier=execution.tier)
    )


def _past_accounts(portfolio: Portfolio) -> list[Account]:
    """Return the account of each past execution: the older ones in turn."""
    older = [
        account
        for account, _ in portfolio.active()
        if account.zone and not account.short_history and account.public_id != SHOWCASE
    ]
    return [older[number % len(older)] for number in range(PAST_EXECUTIONS)]


def _playbook(number: int, account: Account) -> str:
    if number in FAILED:
        return FAILED_PLAYBOOK
    codes = USUAL_PLAYBOOKS[account.zone or Zone.GREEN]
    return codes[number % len(codes)]


def _past_execution(
    portfolio: Portfolio,
    number: int,
    account: Account,
    workflow: WorkflowDefinition,
    random: Random,
) -> WorkflowExecution:
    """Return an unsaved execution; a failed one gave up after its retries."""
    customer = portfolio.customers[account.public_id]
    requested_at = portfolio.at - timedelta(
        days=random.randrange(15, 200), hours=random.randrange(8, 15)
    )
    schedule = rules.tier_schedule(
        tier=workflow.default_tier,
        at=requested_at,
        segment=rules.Segment(account.segment),
        timezone=customer.timezone,
    )
    pace = random.uniform(0.3, 0.9) if number % LATE_EVERY else 1.2
    is_failed = number in FAILED
    lasted = RETRYING if is_failed else pace * (schedule.due_at - requested_at)
    statuses = WorkflowExecution.Status
    return WorkflowExecution(
        public_id=f"exec_{101 + number}",
        workflow=workflow,
        workflow_version=workflow.version,
        customer=customer,
        status=statuses.FAILED if is_failed else statuses.COMPLETED,
        tier=schedule.tier,
        requested_tier=schedule.tier,
        priority=Priority.HIGH if account.zone is Zone.RED else Priority.NORMAL,
        requested_at=requested_at,
        started_at=requested_at,
        tier_started_at=schedule.started_at,
        sla_target=schedule.sla_target,
        due_at=schedule.due_at,
        escalates_at=schedule.escalates_at,
        finished_at=_whole_second(requested_at + lasted),
    )


def _past_steps(execution: WorkflowExecution, steps: list[WorkflowStep]) -> Iterator[ExecutionStep]:
    """Yield the steps: done one after the other, or the first one failed and no other begun."""
    began, ended = execution.requested_at, execution.finished_at or execution.requested_at
    is_failed = execution.status == WorkflowExecution.Status.FAILED
    share = (ended - began) / (1 if is_failed else len(steps))
    statuses = ExecutionStep.Status
    for done, step in enumerate(steps):
        has_begun = not (is_failed and done)
        yield ExecutionStep(
            execution=execution,
            position=step.position,
            kind=step.kind,
            action=step.action,
            name=step.name,
            status=(statuses.FAILED if is_failed else statuses.DONE) if has_begun else "pending",
            failures=1 + rules.PARAMETERS.retry_limit if is_failed and has_begun else 0,
            opened_at=_whole_second(began + done * share) if has_begun else None,
            finished_at=_whole_second(began + (done + 1) * share) if has_begun else None,
            result={"failure": FAILURE} if is_failed and has_begun else {},
        )


def _past_escalation(execution: WorkflowExecution) -> Escalation:
    resolved_at = execution.finished_at or execution.due_at
    return Escalation(
        execution=execution,
        customer=execution.customer,
        tier=execution.tier,
        priority=execution.priority,
        cause=Escalation.Cause.REQUESTED,
        opened_at=execution.requested_at,
        due_at=execution.due_at,
        breached_at=execution.due_at if resolved_at > execution.due_at else None,
        resolved_at=resolved_at,
    )


def _begin_open_cases(portfolio: Portfolio) -> None:
    for number, case in enumerate(OPEN_CASES):
        public_id = actions.start_workflow(
            code=case.code,
            customer_id=_case_customer(portfolio, case).pk,
            tier=case.tier,
            at=portfolio.at - timedelta(minutes=case.began_minutes_ago),
        )
        WorkflowExecution.objects.filter(public_id=public_id).update(
            public_id=f"exec_{101 + PAST_EXECUTIONS + number}"
        )


def _case_customer(portfolio: Portfolio, case: _OpenCase) -> Customer:
    fitting = [
        customer
        for account, customer in portfolio.active()
        if account.segment == case.segment and account.zone is case.zone
    ]
    return fitting[case.place]


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
