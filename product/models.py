"""Features, who may use them, how they are used, and what customers say about them.

Facts (use, training, ratings, feedback) only grow; rates and scores are computed by the rules.
"""

from typing import ClassVar, TypeAlias

from django.db import models
from django.db.models import F, Q

from cs_integrations.customers.models import Segment
from cs_integrations.database.codes import known
from cs_integrations.database.identifiers import public_id_field
from product import rules


class Priority(models.TextChoices):
    """Urgency of feedback and of its ticket."""

    P0 = rules.Priority.P0.value, "P0, critical"
    P1 = rules.Priority.P1.value, "P1, high"
    P2 = rules.Priority.P2.value, "P2, medium"
    P3 = rules.Priority.P3.value, "P3, low"


class FeatureKind(models.TextChoices):
    CORE = "core", "Core"
    ADVANCED = "advanced", "Advanced"


class Feature(models.Model):
    """Something that customers can use."""

    Kind: TypeAlias = FeatureKind

    ID_PREFIX: ClassVar[str] = "feat"

    public_id = public_id_field("feat")
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind)
    min_plan = models.ForeignKey(
        "customers.Plan", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )  # the lowest plan that includes it; null: sold on its own
    released_date = models.DateField()
    retired_date = models.DateField(null=True, blank=True)  # the first day without it

    class Meta:
        constraints = (
            known("kind", FeatureKind),
            models.CheckConstraint(
                name="product_retired_after_release",
                condition=Q(retired_date__isnull=True) | Q(retired_date__gt=F("released_date")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.slug}"


class FeatureEntitlement(models.Model):
    """A customer's right to use a feature; one running entitlement a customer and feature."""

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="entitlements")
    enabled_date = models.DateField()
    ended_date = models.DateField(null=True, blank=True)  # the first day without it
    # Daily users that were bought; null: no quantity was agreed.
    contracted_qty = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="product_entitlement_ends_after_start",
                condition=Q(ended_date__isnull=True) | Q(ended_date__gte=F("enabled_date")),
            ),
            models.CheckConstraint(
                name="product_contracted_positive",
                condition=Q(contracted_qty__isnull=True) | Q(contracted_qty__gt=0),
            ),
            # Adoption reads all customers that may use one feature.
            models.UniqueConstraint(
                name="product_one_running_entitlement",
                fields=["feature", "customer"],
                condition=Q(ended_date__isnull=True),
            ),
        )
        # Contracted use reads the quantities of some customers.
        indexes = (
            models.Index(
                fields=["customer", "feature"],
                condition=Q(contracted_qty__isnull=False),
                name="product_entitlement_contracted",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.feature_id} from {self.enabled_date}"


class FeatureUsageDaily(models.Model):
    """Use of a feature by a customer on one day, in UTC.

    The product reports a day without use too, as a row of zeros: a missing row means that
    the day was not recorded.
    """

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    # The unique constraint below serves lookups by feature.
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="+", db_index=False)
    used_date = models.DateField()
    uses = models.PositiveIntegerField(default=0)
    users = models.PositiveIntegerField(default=0)  # distinct users that day
    errors = models.PositiveIntegerField(default=0)  # uses that failed
    successes = models.PositiveIntegerField(default=0)  # uses that reached their outcome
    integration_failures = models.PositiveIntegerField(default=0)  # lost connections

    class Meta:
        verbose_name_plural = "feature usage daily"
        constraints = (
            # Also the first use of each customer, and one customer's window or month.
            models.UniqueConstraint(
                name="product_one_usage_a_day", fields=["feature", "customer", "used_date"]
            ),
            models.CheckConstraint(
                name="product_usage_outcomes_within_uses",
                condition=Q(uses__gte=F("errors") + F("successes")),
            ),
            models.CheckConstraint(
                name="product_users_within_uses", condition=Q(uses__gte=F("users"))
            ),
        )
        # Adoption sums one feature's use window over all customers.
        indexes = (
            models.Index(fields=["feature", "used_date"], name="product_usage_feature_date"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.feature_id} {self.used_date}"


class TrainingRecord(models.Model):
    """How far a customer had got with the training of a feature; the latest record counts."""

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="+")
    completed_pct = models.DecimalField(max_digits=5, decimal_places=2)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="product_training_range",
                condition=Q(completed_pct__gte=0) & Q(completed_pct__lte=100),
            ),
        )
        # Adoption reads the latest record of each customer for one feature.
        indexes = (
            models.Index(
                F("feature"),
                F("customer"),
                F("recorded_at").desc(),
                name="product_training_latest",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.feature_id} {self.completed_pct}%"


class FeatureRating(models.Model):
    """A customer's satisfaction with a feature, 1 to 5; the latest in the window counts."""

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="+")
    rating = models.DecimalField(max_digits=2, decimal_places=1)
    rated_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="product_rating_range", condition=Q(rating__gte=1) & Q(rating__lte=5)
            ),
        )
        # Adoption reads the latest rating of each customer for one feature.
        indexes = (
            models.Index(
                F("feature"), F("customer"), F("rated_at").desc(), name="product_rating_latest"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.feature_id} {self.rating}"


class RoadmapItemStatus(models.TextChoices):
    PLANNED = "planned", "Planned"
    IN_PROGRESS = "in_progress", "In progress"
    DELIVERED = "delivered", "Delivered"
    CANCELED = "canceled", "Canceled"


class RoadmapItem(models.Model):
    """Work on a feature that is planned for a quarter."""

    Status: TypeAlias = RoadmapItemStatus

    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="roadmap_items")
    title = models.CharField(max_length=200)
    year = models.PositiveSmallIntegerField()
    quarter = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=12, choices=Status, default=Status.PLANNED)

    class Meta:
        constraints = (
            known("status", RoadmapItemStatus),
            models.CheckConstraint(
                name="product_quarter_range", condition=Q(quarter__gte=1) & Q(quarter__lte=4)
            ),
        )
        # A ticket's position reads the undelivered items of its feature, earliest first.
        indexes = (
            models.Index(
                fields=["feature", "year", "quarter"],
                condition=Q(status__in=["planned", "in_progress"]),
                name="product_roadmap_coming",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.feature_id} {self.year} Q{self.quarter}"


class ProductTicketStatus(models.TextChoices):
    OPEN = "open", "Open"
    IN_PROGRESS = "in_progress", "In progress"
    DELIVERED = "delivered", "Delivered"
    DECLINED = "declined", "Declined"


class ProductTicket(models.Model):
    """What the product team was asked by one customer for one feature.

    The database's identity gives the number: gaps are possible, repeats are not. Priority
    and score only rise while the ticket is open.
    """

    Status: TypeAlias = ProductTicketStatus

    ID_PREFIX: ClassVar[str] = "PROD"

    number = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="tickets")
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    priority = models.CharField(max_length=2, choices=Priority)
    priority_score = models.DecimalField(max_digits=5, decimal_places=2)
    target_date = models.DateField(null=True, blank=True)  # null: backlog
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            known("status", ProductTicketStatus),
            known("priority", Priority),
            models.CheckConstraint(
                name="product_ticket_score_range",
                condition=Q(priority_score__gte=0) & Q(priority_score__lte=100),
            ),
            models.CheckConstraint(
                name="product_ticket_closed_has_time",
                condition=(
                    Q(status__in=["open", "in_progress"], closed_at__isnull=True)
                    | Q(status__in=["delivered", "declined"], closed_at__isnull=False)
                ),
            ),
            # Also the open tickets of a feature, whose prevalence changes together.
            models.UniqueConstraint(
                name="product_one_open_ticket",
                fields=["feature", "customer"],
                condition=Q(closed_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The ticket's id on the wire, such as ``PROD-1234``."""
        return rules.ticket_id(self.number)


class FeedbackKind(models.TextChoices):
    FEATURE_REQUEST = "feature_request", "Feature request"
    BUG = "bug", "Bug"
    USABILITY = "usability", "Usability"
    PERFORMANCE = "performance", "Performance"


class Feedback(models.Model):
    """One submission of a customer's voice, with the answer it was given."""

    Kind: TypeAlias = FeedbackKind

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="feedback")
    ticket = models.ForeignKey(ProductTicket, on_delete=models.PROTECT, related_name="feedback")
    impact_score = models.PositiveSmallIntegerField()  # 1 to 10
    evidence = models.CharField(max_length=2048)  # a URL or reference; never fetched
    kind = models.CharField(max_length=20, choices=Kind, blank=True)  # "type" on the wire
    category = models.CharField(max_length=60, blank=True)
    description = models.TextField(blank=True)
    # What the score was made from, as it was at submission.
    segment = models.CharField(max_length=20, choices=Segment)
    reporters = models.PositiveIntegerField()  # customers in the prevalence window, >= 1
    health_score = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    # The parts of the priority score, 0 to 100 points.
    impact_points = models.DecimalField(max_digits=5, decimal_places=2)
    tier_points = models.DecimalField(max_digits=5, decimal_places=2)
    prevalence_points = models.DecimalField(max_digits=5, decimal_places=2)
    risk_points = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    priority_score = models.DecimalField(max_digits=5, decimal_places=2)
    # What was answered of the ticket: a repeat within a day is answered the same.
    answered_priority = models.CharField(max_length=2, choices=Priority)
    answered_score = models.DecimalField(max_digits=5, decimal_places=2)
    answered_position = models.CharField(max_length=12)
    answered_basis = models.CharField(max_length=12)  # a value of rules.RoadmapBasis
    reasons = models.JSONField(default=list, blank=True)  # sentences
    submitted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "feedback"
        constraints = (
            known("kind", FeedbackKind, blank=True),
            known("segment", Segment),
            known("answered_priority", Priority),
            models.CheckConstraint(
                name="product_impact_range",
                condition=Q(impact_score__gte=1) & Q(impact_score__lte=10),
            ),
            models.CheckConstraint(name="product_feedback_has_evidence", condition=~Q(evidence="")),
            models.CheckConstraint(
                name="product_feedback_has_reporter", condition=Q(reporters__gte=1)
            ),
            models.CheckConstraint(
                name="product_feedback_score_range",
                condition=Q(priority_score__gte=0) & Q(priority_score__lte=100),
            ),
        )
        indexes = (
            # The same customer's earlier submissions for the feature, newest first.
            models.Index(
                F("customer"),
                F("feature"),
                F("submitted_at").desc(),
                name="product_feedback_repeat",
            ),
            # Prevalence counts the distinct customers of a feature in the window.
            models.Index(
                fields=["feature", "submitted_at"],
                include=["customer"],
                name="product_feedback_prevalence",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.feature_id} {self.answered_priority}"
