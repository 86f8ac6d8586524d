"""Workflows and their executions, the CSM team, and the skills that accounts need.

Facts only grow; deadlines, routing, utilization and skill gaps are computed by the rules.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from cs_integrations.database.identifiers import public_id_field
from operations import rules

ACTIVE = sorted(status.value for status in rules.ACTIVE_STATUSES)
FINISHED = sorted(status.value for status in rules.FINISHED_STATUSES)
RUNNING = sorted(status.value for status in rules.RUNNING_STATUSES)
WAITING = sorted(status.value for status in rules.WAITING_STATUSES)


def validate_parameter_schema(value: Mapping[str, Any]) -> None:
    """Refuse a schema that does not declare parameters; the message names the faulty one."""
    try:
        rules.declarations(schema=value)
    except (AttributeError, ValueError) as error:
        raise ValidationError(str(error)) from error


class StepKind(models.TextChoices):
    """Who does a step."""

    AUTO = rules.StepKind.AUTO.value, "Automated"
    HUMAN = rules.StepKind.HUMAN.value, "By a person"


class Priority(models.TextChoices):
    """How pressing an execution is."""

    CRITICAL = rules.Priority.CRITICAL.value, "Critical"
    HIGH = rules.Priority.HIGH.value, "High"
    NORMAL = rules.Priority.NORMAL.value, "Normal"


class Csm(models.Model):
    """A customer success manager. Employed from ``active_from`` to ``active_to``, both included."""

    class Seniority(models.TextChoices):
        SENIOR = rules.Seniority.SENIOR.value, "Senior"
        MANAGER = rules.Seniority.MANAGER.value, "Manager"
        COORDINATOR = rules.Seniority.COORDINATOR.value, "Coordinator"

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    seniority = models.CharField(max_length=12, choices=Seniority)
    fte = models.DecimalField(max_digits=3, decimal_places=2, default=1)
    productive_hours = models.PositiveSmallIntegerField(null=True, blank=True)  # null: standard
    active_from = models.DateField()
    active_to = models.DateField(null=True, blank=True)  # the last day; null: no end is known

    class Meta:
        verbose_name = "CSM"
        constraints = (
            models.CheckConstraint(
                name="operations_fte_range", condition=Q(fte__gt=0) & Q(fte__lte=1)
            ),
            models.CheckConstraint(
                name="operations_employment_order", condition=Q(active_to__gte=F("active_from"))
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class Skill(models.Model):
    """What an account may need and a CSM may master."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)  # an inactive one is not forecast

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class CsmSkill(models.Model):
    """How well a CSM masters a skill, 1 to 5."""

    csm = models.ForeignKey(Csm, on_delete=models.CASCADE, related_name="skills")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(name="operations_one_level_a_skill", fields=["csm", "skill"]),
            models.CheckConstraint(name="operations_level_range", condition=Q(level__range=(1, 5))),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.csm_id} {self.skill_id} level {self.level}"


class AccountSkillNeed(models.Model):
    """The share of an account's hours that needs a skill; an hour can need several skills."""

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="+")
    hours_share = models.DecimalField(max_digits=4, decimal_places=3)  # above 0, at most 1

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="operations_one_need_a_skill", fields=["customer", "skill"]
            ),
            models.CheckConstraint(
                name="operations_hours_share_range",
                condition=Q(hours_share__gt=0) & Q(hours_share__lte=1),
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.skill_id} {self.hours_share}"


class Absence(models.Model):
    """Days on which a CSM is away, first and last included."""

    csm = models.ForeignKey(Csm, on_delete=models.CASCADE, related_name="absences", db_index=False)
    start_date = models.DateField()
    end_date = models.DateField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="operations_absence_order", condition=Q(end_date__gte=F("start_date"))
            ),
        )
        # Who is away today; a CSM's absences inside a forecast period.
        indexes = (
            models.Index(fields=["csm", "start_date", "end_date"], name="operations_absence_days"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.csm_id} {self.start_date} to {self.end_date}"


class Assignment(models.Model):
    """Which CSM looks after a customer; one current lead a customer."""

    class Role(models.TextChoices):
        LEAD = "lead", "Lead"
        BACKUP = "backup", "Backup"

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    csm = models.ForeignKey(Csm, on_delete=models.PROTECT, related_name="assignments")
    role = models.CharField(max_length=10, choices=Role, default=Role.LEAD)
    start_date = models.DateField()
    end_date = models.DateField(null=True, blank=True)  # the last day; null: current

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="operations_assignment_order", condition=Q(end_date__gte=F("start_date"))
            ),
            # Routing asks for the customer's current lead.
            models.UniqueConstraint(
                name="operations_one_current_lead",
                fields=["customer"],
                condition=Q(role="lead") & Q(end_date__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.csm_id} {self.role}"


class WorkflowDefinition(models.Model):
    """A standard playbook. ``version`` rises when its steps or its parameters change."""

    class Category(models.TextChoices):
        ONBOARDING = "onboarding", "Onboarding"
        RETENTION = "retention", "Retention"
        EXPANSION = "expansion", "Expansion"
        RENEWAL = "renewal", "Renewal"

    ID_PREFIX: ClassVar[str] = "wf"

    public_id = public_id_field("wf")
    code = models.SlugField(unique=True)  # e.g. wf_onboarding; the name other domains call
    name = models.CharField(max_length=100)
    category = models.CharField(max_length=12, choices=Category)
    default_tier = models.PositiveSmallIntegerField()
    param_schema = models.JSONField(
        default=dict, blank=True, validators=[validate_parameter_schema]
    )
    version = models.PositiveIntegerField(default=1)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name = "workflow"
        constraints = (
            models.CheckConstraint(
                name="operations_default_tier_range", condition=Q(default_tier__range=(1, 4))
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.code}"


class WorkflowStep(models.Model):
    """One step of a playbook; steps run in the order of ``position``, from 1."""

    workflow = models.ForeignKey(WorkflowDefinition, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=StepKind)
    action = models.SlugField()  # what is done, e.g. check_in
    name = models.CharField(max_length=100)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="operations_one_step_a_position", fields=["workflow", "position"]
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.workflow_id}.{self.position} {self.action}"


class WorkflowExecution(models.Model):
    """A playbook run for one customer. It keeps the version and the service level it began with."""

    class Status(models.TextChoices):
        QUEUED = rules.ExecutionStatus.QUEUED.value, "Queued"
        IN_PROGRESS = rules.ExecutionStatus.IN_PROGRESS.value, "In progress"
        AWAITING_HUMAN = rules.ExecutionStatus.AWAITING_HUMAN.value, "Awaiting a person"
        COMPLETED = rules.ExecutionStatus.COMPLETED.value, "Completed"
        FAILED = rules.ExecutionStatus.FAILED.value, "Failed"
        CANCELLED = rules.ExecutionStatus.CANCELLED.value, "Cancelled"

    ID_PREFIX: ClassVar[str] = "exec"

    public_id = public_id_field("exec")
    workflow = models.ForeignKey(WorkflowDefinition, on_delete=models.PROTECT, related_name="+")
    workflow_version = models.PositiveIntegerField()
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=Status)
    # Without the tier, with the workflow's defaults filled in.
    parameters = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    tier = models.PositiveSmallIntegerField()
    priority = models.CharField(max_length=10, choices=Priority)
    # Its index counts the open executions of each CSM.
    assignee = models.ForeignKey(
        Csm, on_delete=models.PROTECT, related_name="executions", null=True, blank=True
    )
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)  # null: never left the queue
    tier_started_at = models.DateTimeField()  # when the present tier began
    sla_target = models.DurationField()  # of the present tier
    due_at = models.DateTimeField()
    escalates_at = models.DateTimeField(null=True, blank=True)  # null: at the highest tier
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "execution"
        constraints = (
            # A repeated request looks for the active execution of its pair.
            models.UniqueConstraint(
                name="operations_one_active_execution",
                fields=["workflow", "customer"],
                condition=Q(status__in=ACTIVE),
            ),
            models.CheckConstraint(name="operations_tier_range", condition=Q(tier__range=(1, 4))),
            models.CheckConstraint(
                name="operations_finished_has_time",
                condition=Q(status__in=FINISHED, finished_at__isnull=False)
                | Q(status__in=ACTIVE, finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="operations_started_has_time",
                condition=Q(status="cancelled")
                | Q(status="queued", started_at__isnull=True)
                | (~Q(status="queued") & Q(started_at__isnull=False)),
            ),
        )
        indexes = (
            # How many executions hold a running slot.
            models.Index(
                fields=["status"], condition=Q(status__in=RUNNING), name="operations_running"
            ),
            # How each CSM's executions ended in the past year.
            models.Index(
                fields=["assignee", "finished_at"],
                condition=Q(status__in=FINISHED),
                name="operations_finished_by_csm",
            ),
            # Who waits: next in line when a slot or a CSM becomes free, and who waited for 80%.
            models.Index(
                fields=["escalates_at"], condition=Q(status__in=WAITING), name="operations_waiting"
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}"


class ExecutionStep(models.Model):
    """A step of an execution, copied from the playbook so that a new version changes no past."""

    class Status(models.TextChoices):
        PENDING = rules.StepStatus.PENDING.value, "Pending"
        OPEN = rules.StepStatus.OPEN.value, "Open"
        DONE = rules.StepStatus.DONE.value, "Done"
        FAILED = rules.StepStatus.FAILED.value, "Failed"

    execution = models.ForeignKey(
        WorkflowExecution, on_delete=models.CASCADE, related_name="steps", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=StepKind)
    action = models.SlugField()
    name = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    failures = models.PositiveSmallIntegerField(default=0)  # tries that failed
    retry_at = models.DateTimeField(null=True, blank=True)  # null: no retry is planned
    opened_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)

    class Meta:
        constraints = (
            # The steps of one execution, in order.
            models.UniqueConstraint(
                name="operations_one_step_an_execution", fields=["execution", "position"]
            ),
            models.CheckConstraint(
                name="operations_step_finished_has_time",
                condition=Q(status__in=("done", "failed"), finished_at__isnull=False)
                | Q(status__in=("pending", "open"), finished_at__isnull=True),
            ),
        )
        # Failed steps whose retry has come.
        indexes = (
            models.Index(
                fields=["retry_at"], condition=Q(retry_at__isnull=False), name="operations_retry"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.execution_id}.{self.position} {self.status}"


class Escalation(models.Model):
    """An execution at tier 2 or above, or with an alert. A higher tier opens another one."""

    class Cause(models.TextChoices):
        REQUESTED = "requested", "A request named the tier"
        ALERT = "alert", "A step raised an alert"
        WAITED = "waited", "Nobody took it for 80% of the service level"

    execution = models.ForeignKey(
        WorkflowExecution, on_delete=models.PROTECT, related_name="escalations"
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    tier = models.PositiveSmallIntegerField()
    priority = models.CharField(max_length=10, choices=Priority)
    cause = models.CharField(max_length=10, choices=Cause)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    breached_at = models.DateTimeField(null=True, blank=True)  # first seen past its due time
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="operations_one_open_escalation",
                fields=["execution"],
                condition=Q(resolved_at__isnull=True),
            ),
            models.CheckConstraint(name="operations_raised_tier", condition=Q(tier__range=(1, 4))),
        )
        # The highest open tier of many customers at once.
        indexes = (
            models.Index(
                F("customer"),
                F("tier").desc(),
                condition=Q(resolved_at__isnull=True),
                name="operations_highest_open",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} tier {self.tier} of {self.execution_id}"
