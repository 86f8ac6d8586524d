"""The team, playbooks and executions. Each factory is valid with no arguments.

The standard playbooks and skills are in every database: see ``operations.catalogue``.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

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
    StepKind,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowStep,
)
from tests.factories import NOON, CustomerFactory

EARLIER = datetime(2026, 6, 15, 11, tzinfo=UTC)


class CsmFactory(DjangoModelFactory[Csm]):
    class Meta:
        model = Csm

    code = factory.Sequence(lambda number: f"csm_{number}")
    name = "Bob Ferreira"
    seniority = Csm.Seniority.MANAGER
    active_from = date(2024, 1, 1)


class SkillFactory(DjangoModelFactory[Skill]):
    class Meta:
        model = Skill
        django_get_or_create = ("code",)

    code = "enterprise_complexity"
    name = factory.LazyAttribute(lambda skill: skill.code.replace("_", " ").capitalize())


class CsmSkillFactory(DjangoModelFactory[CsmSkill]):
    class Meta:
        model = CsmSkill

    csm = factory.SubFactory(CsmFactory)
    skill = factory.SubFactory(SkillFactory)
    level = 5


class AccountSkillNeedFactory(DjangoModelFactory[AccountSkillNeed]):
    class Meta:
        model = AccountSkillNeed

    customer = factory.SubFactory(CustomerFactory)
    skill = factory.SubFactory(SkillFactory)
    hours_share = Decimal(1)


class AbsenceFactory(DjangoModelFactory[Absence]):
    class Meta:
        model = Absence

    csm = factory.SubFactory(CsmFactory)
    start_date = date(2026, 6, 15)
    end_date = date(2026, 6, 19)


class AssignmentFactory(DjangoModelFactory[Assignment]):
    class Meta:
        model = Assignment

    customer = factory.SubFactory(CustomerFactory)
    csm = factory.SubFactory(CsmFactory)
    start_date = date(2026, 1, 5)


class WorkflowDefinitionFactory(DjangoModelFactory[WorkflowDefinition]):
    class Meta:
        model = WorkflowDefinition

    public_id = factory.Sequence(lambda number: f"wf_{9000 + number}")
    code = factory.Sequence(lambda number: f"wf_playbook_{number}")
    name = "Check-in"
    category = WorkflowDefinition.Category.RETENTION
    default_tier = 2


class WorkflowStepFactory(DjangoModelFactory[WorkflowStep]):
    class Meta:
        model = WorkflowStep

    workflow = factory.SubFactory(WorkflowDefinitionFactory)
    position = factory.Sequence(lambda number: number + 1)
    kind = StepKind.HUMAN
    action = "check_in"
    name = "Check in with the customer"


class WorkflowExecutionFactory(DjangoModelFactory[WorkflowExecution]):
    """An execution that was begun an hour ago at tier 2 and is being worked on."""

    class Meta:
        model = WorkflowExecution

    class Params:
        ended = factory.Trait(
            status=WorkflowExecution.Status.COMPLETED,
            finished_at=NOON - timedelta(minutes=5),
        )
        waiting = factory.Trait(
            status=WorkflowExecution.Status.QUEUED, assignee=None, started_at=None
        )

    public_id = factory.Sequence(lambda number: f"exec_{9000 + number}")
    workflow = factory.SubFactory(WorkflowDefinitionFactory)
    workflow_version = 1
    customer = factory.SubFactory(CustomerFactory)
    status = WorkflowExecution.Status.IN_PROGRESS
    tier = 2
    requested_tier = factory.SelfAttribute("tier")
    priority = Priority.NORMAL
    assignee = factory.SubFactory(CsmFactory)
    requested_at = EARLIER
    started_at = EARLIER
    tier_started_at = EARLIER
    sla_target = timedelta(hours=4)
    due_at = EARLIER + timedelta(hours=4)
    escalates_at = EARLIER + timedelta(minutes=192)


class ExecutionStepFactory(DjangoModelFactory[ExecutionStep]):
    class Meta:
        model = ExecutionStep

    execution = factory.SubFactory(WorkflowExecutionFactory)
    position = factory.Sequence(lambda number: number + 1)
    kind = StepKind.HUMAN
    action = "check_in"
    name = "Check in with the customer"


class EscalationFactory(DjangoModelFactory[Escalation]):
    class Meta:
        model = Escalation

    execution = factory.SubFactory(WorkflowExecutionFactory)
    customer = factory.SelfAttribute("execution.customer")
    tier = factory.SelfAttribute("execution.tier")
    priority = Priority.NORMAL
    cause = Escalation.Cause.REQUESTED
    opened_at = EARLIER
    due_at = factory.SelfAttribute("execution.due_at")
