"""The CSM team: who they are, what they can do, when they are away, whom they look after."""

from typing import TypeAlias

from django.db import models
from django.db.models import F, Q

from cs_integrations.database.codes import known
from operations import rules


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
            known("seniority", rules.Seniority),
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


class AssignmentRole(models.TextChoices):
    LEAD = "lead", "Lead"
    BACKUP = "backup", "Backup"


class Assignment(models.Model):
    """Which CSM looks after a customer; one current lead a customer."""

    Role: TypeAlias = AssignmentRole

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    csm = models.ForeignKey(Csm, on_delete=models.PROTECT, related_name="assignments")
    role = models.CharField(max_length=10, choices=Role, default=Role.LEAD)
    start_date = models.DateField()
    end_date = models.DateField(null=True, blank=True)  # the first day without the CSM

    class Meta:
        constraints = (
            known("role", AssignmentRole),
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
