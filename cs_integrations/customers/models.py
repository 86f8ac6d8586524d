"""The customer and what every domain knows about it. Facts are stored; scores are computed."""

from typing import ClassVar, TypeAlias

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from cs_integrations.database.codes import known
from cs_integrations.database.identifiers import public_id_field


class Segment(models.TextChoices):
    ENTERPRISE = "enterprise", "Enterprise"
    MID_MARKET = "mid_market", "Mid-market"
    SMALL_BUSINESS = "small_business", "Small business"


class CustomerStage(models.TextChoices):
    ONBOARDING = "onboarding", "Onboarding"
    ADOPTION = "adoption", "Adoption"
    EXPANSION = "expansion", "Expansion"
    RENEWAL = "renewal", "Renewal"
    ADVOCACY = "advocacy", "Advocacy"
    AT_RISK = "at_risk", "At risk"
    CHURNED = "churned", "Churned"


class CustomerStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    CHURNED = "churned", "Churned"
    DELETED = "deleted", "Deleted"


class Customer(models.Model):
    """An account that Customer Success looks after."""

    Status: TypeAlias = CustomerStatus
    Stage: TypeAlias = CustomerStage

    ID_PREFIX: ClassVar[str] = "cust"

    public_id = public_id_field("cust")
    name = models.CharField(max_length=200)
    segment = models.CharField(max_length=20, choices=Segment)
    industry = models.CharField(max_length=40)
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.ADOPTION)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    complexity = models.DecimalField(max_digits=3, decimal_places=2, default=1)
    timezone = models.CharField(max_length=40, default="UTC")
    started_date = models.DateField()
    churned_date = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            known("segment", Segment),
            known("stage", CustomerStage),
            known("status", CustomerStatus),
            models.CheckConstraint(
                name="customers_complexity_range",
                condition=Q(complexity__gte=1) & Q(complexity__lte=1.5),
            ),
            models.CheckConstraint(
                name="customers_churned_has_date",
                condition=~Q(status="churned") | Q(churned_date__isnull=False),
            ),
        )
        # Capacity and adoption read all active customers of the portfolio.
        indexes = (models.Index(fields=["status", "segment"], name="customers_status_segment"),)

    def __str__(self) -> str:
        return f"{self.public_id} {self.name}"


class StakeholderLevel(models.TextChoices):
    C_LEVEL = "c_level", "C level"
    VP = "vp", "Vice president"
    MANAGER = "manager", "Manager"


class Stakeholder(models.Model):
    """A person at the customer."""

    Level: TypeAlias = StakeholderLevel

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=100)
    level = models.CharField(max_length=10, choices=Level)
    is_sponsor = models.BooleanField(default=False)
    is_champion = models.BooleanField(default=False)
    is_decision_maker = models.BooleanField(default=False)
    is_marketing_contact = models.BooleanField(default=False)
    nps = models.PositiveSmallIntegerField(null=True, blank=True)  # latest answer, 0 to 10
    left_date = models.DateField(null=True, blank=True)  # the first day without them

    class Meta:
        constraints = (
            known("level", StakeholderLevel),
            models.CheckConstraint(name="customers_nps_range", condition=Q(nps__lte=10)),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"


class ContactConsent(models.Model):
    """Whether a stakeholder may be written to over a channel."""

    stakeholder = models.ForeignKey(Stakeholder, on_delete=models.CASCADE, related_name="consents")
    channel = models.CharField(max_length=20, default="email")
    opted_out_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="customers_one_consent_a_channel", fields=["stakeholder", "channel"]
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.channel} {'out' if self.opted_out_at else 'in'}"


class Plan(models.Model):
    """A price list entry. Null limits are unlimited. Prices are US dollars a month."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    rank = models.PositiveSmallIntegerField(unique=True)
    monthly_price = models.DecimalField(max_digits=12, decimal_places=2)
    mails_per_month = models.PositiveIntegerField(null=True, blank=True)
    seats = models.PositiveIntegerField(null=True, blank=True)
    workspaces = models.PositiveIntegerField(null=True, blank=True)
    seat_price = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    workspace_price = models.DecimalField(max_digits=12, decimal_places=2, default=0)

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class Subscription(models.Model):
    """What a customer has bought; at most one subscription a customer has no end date."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    seats = models.PositiveIntegerField()
    eligible_users = models.PositiveIntegerField(default=0)  # people who could use a seat
    workspaces = models.PositiveIntegerField(default=1)
    business_units = models.PositiveIntegerField(default=1)  # units that could use a workspace
    monthly_price = models.DecimalField(max_digits=12, decimal_places=2)
    started_date = models.DateField()
    ended_date = models.DateField(null=True, blank=True)  # the first day without it

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="customers_one_running_subscription",
                fields=["customer"],
                condition=Q(ended_date__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.plan_id}"


class HealthSnapshotSource(models.TextChoices):
    COMPUTED = "computed", "Computed"
    API_TRIGGER = "api_trigger", "Sent with a trigger"
    IMPORT = "import", "Imported"


class HealthSnapshot(models.Model):
    """A health measurement. ``api_trigger`` rows are what a caller said and decide nothing but
    marketing; every other rule reads ``computed`` rows only.
    """

    Source: TypeAlias = HealthSnapshotSource

    POINTS: ClassVar = (MinValueValidator(0), MaxValueValidator(100))

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    measured_date = models.DateField()
    source = models.CharField(max_length=12, choices=Source, default=Source.COMPUTED)
    score = models.DecimalField(max_digits=5, decimal_places=2, validators=POINTS)
    usage = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    engagement = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    business = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    relationship = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = (
            known("source", HealthSnapshotSource),
            models.CheckConstraint(
                name="customers_health_range", condition=Q(score__gte=0) & Q(score__lte=100)
            ),
            models.UniqueConstraint(
                name="customers_one_computed_health_a_day",
                fields=["customer", "measured_date"],
                condition=Q(source="computed"),
            ),
        )
        # The latest computed score of one or many customers, and a customer's series.
        indexes = (
            models.Index(
                F("customer"),
                F("measured_date").desc(),
                condition=Q(source="computed"),
                name="customers_latest_health",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.measured_date} {self.score}"


class UsageMonthlyMetric(models.TextChoices):
    MAIL_VOLUME = "mail_volume", "Mails sent"
    SEATS = "seats", "Seats in use"


class UsageMonthly(models.Model):
    """Use of one plan limit in one month."""

    Metric: TypeAlias = UsageMonthlyMetric

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    month = models.DateField()  # the month's first day
    metric = models.CharField(max_length=12, choices=Metric)
    used = models.PositiveIntegerField()
    limit = models.PositiveIntegerField(null=True, blank=True)  # null: unlimited

    class Meta:
        verbose_name_plural = "monthly usage"
        constraints = (
            known("metric", UsageMonthlyMetric),
            models.UniqueConstraint(
                name="customers_one_usage_a_month", fields=["customer", "month", "metric"]
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.month} {self.metric}"


class MilestonePhase(models.TextChoices):
    ONBOARDING = "onboarding", "Onboarding"
    ADOPTION = "adoption", "Adoption"
    VALUE = "value", "Value"
    RENEWAL = "renewal", "Renewal"
    EXPANSION = "expansion", "Expansion"
    ADVOCACY = "advocacy", "Advocacy"


class Milestone(models.Model):
    """The catalogue of dated events in a customer's journey."""

    Phase: TypeAlias = MilestonePhase

    code = models.SlugField(unique=True)
    phase = models.CharField(max_length=12, choices=Phase)

    class Meta:
        constraints = (known("phase", MilestonePhase),)

    def __str__(self) -> str:
        return self.code


class CustomerMilestone(models.Model):
    """A milestone that a customer reached."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    milestone = models.ForeignKey(Milestone, on_delete=models.PROTECT, related_name="+")
    achieved_date = models.DateField()
    source = models.CharField(max_length=20, default="computed")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="customers_milestone_once", fields=["customer", "milestone"]
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.milestone_id}"
