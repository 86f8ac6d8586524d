"""Workflows, their executions step by step, and the escalations these raise."""

from typing import Any, ClassVar, TypeAlias

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Func, Q

from cs_integrations.database.codes import known
from cs_integrations.database.identifiers import public_id_field
from operations import rules
from operations.models.people import Csm

ACTIVE = sorted(status.value for status in rules.ACTIVE_STATUSES)
FINISHED = sorted(status.value for status in rules.FINISHED_STATUSES)
RUNNING = sorted(status.value for status in rules.RUNNING_STATUSES)
WAITING = sorted(status.value for status in rules.WAITING_STATUSES)


def validate_parameter_schema(value: Any) -> None:
    """Refuse a schema that does not declare parameters; the message names the faulty one."""
    try:
        rules.declarations(schema=value)
    except ValueError as error:
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


class WorkflowDefinitionCategory(models.TextChoices):
    ONBOARDING = "onboarding", "Onboarding"
    RETENTION = "retention", "Retention"
    EXPANSION = "expansion", "Expansion"
    RENEWAL = "renewal", "Renewal"


class WorkflowDefinition(models.Model):
    """A standard playbook. ``version`` rises when its steps or its parameters change."""

    Category: TypeAlias = WorkflowDefinitionCategory

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
            known("category", WorkflowDefinitionCategory),
            models.CheckConstraint(
                name="operations_param_schema_object",
                condition=Func(
                    "param_schema",
                    template="jsonb_typeof(%(expressions)s) = 'object'",
                    output_field=models.BooleanField(),
                ),
            ),
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
            known("kind", StepKind),
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
    requested_tier = models.PositiveSmallIntegerField()  # the highest that a caller asked for
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
            known("status", rules.ExecutionStatus),
            known("priority", Priority),
            # A repeated request looks for the active execution of its pair.
            models.UniqueConstraint(
                name="operations_one_active_execution",
                fields=["workflow", "customer"],
                condition=Q(status__in=ACTIVE),
            ),
            models.CheckConstraint(name="operations_tier_range", condition=Q(tier__range=(1, 4))),
            models.CheckConstraint(
                name="operations_requested_tier_range",
                condition=Q(requested_tier__gte=1) & Q(requested_tier__lte=F("tier")),
            ),
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
            known("kind", StepKind),
            known("status", rules.StepStatus),
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


class EscalationCause(models.TextChoices):
    REQUESTED = "requested", "A request named the tier"
    ALERT = "alert", "A step raised an alert"
    WAITED = "waited", "Nobody took it for 80% of the service level"


class Escalation(models.Model):
    """An execution at tier 2 or above, or with an alert. A higher tier opens another one."""

    Cause: TypeAlias = EscalationCause

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
            known("priority", Priority),
            known("cause", EscalationCause),
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
