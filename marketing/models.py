"""Campaigns, who is enrolled in them, what they earned, and the triggers that started them.

Facts only: sequences and their conditions are code (``marketing.rules``), answers are
computed. References to deals and contracts are public ids, since those live elsewhere.
"""

from enum import StrEnum
from typing import ClassVar, TypeAlias

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from cs_integrations.customers.health import RiskCategory, Zone
from cs_integrations.database.codes import known
from cs_integrations.database.identifiers import MAX_PUBLIC_ID_LENGTH, public_id_field
from marketing.rules import CampaignKind, EngagementKind, RevenueKind, SequenceCode

POINTS = (MinValueValidator(0), MaxValueValidator(100))


def choices(codes: type[StrEnum]) -> list[tuple[str, str]]:
    """Return the choices of a field whose codes the rules own: ``("at_risk", "At risk")``."""
    return [(code.value, code.value.replace("_", " ").capitalize()) for code in codes]


class CampaignStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"


class Campaign(models.Model):
    """One run of one or more sequences for a purpose, for one customer or for many."""

    Status: TypeAlias = CampaignStatus

    ID_PREFIX: ClassVar[str] = "camp"

    public_id = public_id_field("camp")
    kind = models.CharField(max_length=12, choices=choices(CampaignKind))
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    cost = models.DecimalField(max_digits=14, decimal_places=2, default=0)  # US dollars
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            known("kind", CampaignKind),
            known("status", CampaignStatus),
            models.CheckConstraint(
                name="marketing_campaign_cost_not_negative", condition=Q(cost__gte=0)
            ),
            models.CheckConstraint(
                name="marketing_campaign_ends_after_start",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
            ),
            models.CheckConstraint(
                name="marketing_campaign_active_has_no_end",
                condition=Q(status="active", ended_at__isnull=True)
                | (~Q(status="active") & Q(ended_at__isnull=False)),
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.kind}"


class CampaignEnrollment(models.Model):
    """A customer's way through one sequence of a campaign.

    It runs while ``ended_at`` is null. ``health_at_start`` is the score the campaign acted
    on; ``health_after`` is the computed score 30 days after the start, null until measured.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="enrollments")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    sequence = models.CharField(max_length=24, choices=choices(SequenceCode))
    health_at_start = models.DecimalField(max_digits=5, decimal_places=2, validators=POINTS)
    zone_at_start = models.CharField(max_length=6, choices=choices(Zone))
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    health_after = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, validators=POINTS
    )

    class Meta:
        constraints = (
            known("sequence", SequenceCode),
            known("zone_at_start", Zone),
            models.UniqueConstraint(
                name="marketing_one_active_enrollment",
                fields=["customer", "sequence"],
                condition=Q(ended_at__isnull=True),
            ),
            models.UniqueConstraint(
                name="marketing_enrolled_once_a_campaign",
                fields=["campaign", "customer", "sequence"],
            ),
            models.CheckConstraint(
                name="marketing_enrollment_start_range",
                condition=Q(health_at_start__gte=0) & Q(health_at_start__lte=100),
            ),
            models.CheckConstraint(
                name="marketing_enrollment_after_range",
                condition=Q(health_after__isnull=True)
                | (Q(health_after__gte=0) & Q(health_after__lte=100)),
            ),
            models.CheckConstraint(
                name="marketing_enrollment_ends_after_start",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
            ),
        )
        indexes = (
            # Estimated impact: size and mean change of finished enrollments, from the index alone.
            models.Index(
                fields=["sequence", "zone_at_start"],
                include=["health_at_start", "health_after"],
                condition=Q(ended_at__isnull=False, health_after__isnull=False),
                name="marketing_finished_sample",
            ),
            # Revenue: every enrollment of some customers that could claim an event.
            models.Index(fields=["customer", "started_at"], name="marketing_claiming_enrollment"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.sequence}"


class TriggerEvent(models.Model):
    """A health trigger that was accepted, and what came of it. Append-only.

    Natural repeats are recognized by ``fingerprint`` and leave no row. The answer is kept in
    parts, since JSON in the database keeps no order of members.
    """

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64)
    rule_version = models.CharField(max_length=10)
    health_score = models.DecimalField(max_digits=5, decimal_places=2, validators=POINTS)
    stated_category = models.CharField(max_length=10, blank=True)  # as sent; blank: left out
    effective_category = models.CharField(max_length=10, choices=choices(RiskCategory))
    milestones = models.JSONField(default=list, blank=True)  # codes as sent
    is_stale = models.BooleanField(default=False)  # a newer computed score was known
    facts = models.JSONField(default=dict, blank=True)  # what else the rules looked at
    matched = models.JSONField(default=list, blank=True)  # [{row, sequence, because}]
    suppressed = models.JSONField(default=list, blank=True)  # [{sequence, reason}]
    impact = models.JSONField(default=dict, blank=True)  # inputs and steps of the estimate
    reasons = models.JSONField(default=list, blank=True)  # sentences of the explanation
    execution_id = models.CharField(  # public id of the workflow that was started
        max_length=MAX_PUBLIC_ID_LENGTH, blank=True
    )
    # The answer
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, null=True, blank=True, related_name="triggers"
    )
    triggered_sequences = models.JSONField(default=list, blank=True)  # codes by priority
    estimated_impact = models.CharField(  # noqa: DJ001 null on the wire, not an empty text
        max_length=40, null=True, blank=True
    )

    class Meta:
        constraints = (
            known("effective_category", RiskCategory),
            models.CheckConstraint(
                name="marketing_trigger_health_range",
                condition=Q(health_score__gte=0) & Q(health_score__lte=100),
            ),
        )
        # Natural repeats: the newest equal trigger of a customer.
        indexes = (
            models.Index(
                F("customer"),
                F("fingerprint"),
                F("received_at").desc(),
                name="marketing_trigger_repeat",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.health_score}"


class EngagementEvent(models.Model):
    """What an enrolled customer's contact did with a mail. Append-only."""

    enrollment = models.ForeignKey(
        CampaignEnrollment, on_delete=models.PROTECT, related_name="engagements"
    )
    kind = models.CharField(max_length=12, choices=choices(EngagementKind))
    occurred_at = models.DateTimeField()

    class Meta:
        constraints = (known("kind", EngagementKind),)
        # Health correlation: events of each kind for the enrollments of a campaign.
        indexes = (models.Index(fields=["enrollment", "kind"], name="marketing_engagement_points"),)

    def __str__(self) -> str:
        return f"#{self.pk} {self.enrollment_id} {self.kind}"


class Message(models.Model):
    """A mail that was sent to a contact in the course of an enrollment. Append-only."""

    enrollment = models.ForeignKey(
        CampaignEnrollment, on_delete=models.PROTECT, related_name="messages"
    )
    stakeholder = models.ForeignKey(
        "customers.Stakeholder", on_delete=models.PROTECT, related_name="+"
    )
    step = models.PositiveSmallIntegerField()  # of the sequence, from 1
    sent_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(name="marketing_message_step_from_1", condition=Q(step__gte=1)),
            models.UniqueConstraint(
                name="marketing_message_once_a_step", fields=["enrollment", "stakeholder", "step"]
            ),
        )
        # Frequency cap: messages of the trailing week for the contacts of a customer.
        indexes = (
            models.Index(fields=["stakeholder", "sent_at"], name="marketing_message_frequency"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.stakeholder_id} step {self.step}"


class TouchpointOwner(models.TextChoices):
    CUSTOMER_SUCCESS = "customer_success", "Customer success"
    MARKETING = "marketing", "Marketing"
    SALES = "sales", "Sales"
    PRODUCT = "product", "Product"
    FINANCE = "finance", "Finance"
    OPERATIONS = "operations", "Operations"


class TouchpointChannel(models.TextChoices):
    MAIL = "mail", "Mail"
    CALL = "call", "Call"
    QBR = "qbr", "Quarterly business review"
    TRAINING = "training", "Training"
    AD = "ad", "Advertisement"
    IN_APP = "in_app", "In the app"


class Touchpoint(models.Model):
    """A dated contact with a customer, by the department that made it. Append-only."""

    Owner: TypeAlias = TouchpointOwner
    Channel: TypeAlias = TouchpointChannel

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    owner = models.CharField(max_length=16, choices=Owner)
    channel = models.CharField(max_length=10, choices=Channel)
    occurred_at = models.DateTimeField()

    class Meta:
        constraints = (
            known("owner", TouchpointOwner),
            known("channel", TouchpointChannel),
        )
        # Attribution: touchpoints of a customer in the window before a close.
        indexes = (
            models.Index(fields=["customer", "occurred_at"], name="marketing_touch_before_close"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.owner} {self.channel}"


class RevenueEvent(models.Model):
    """Closed-won revenue of a customer. Append-only, but for the moment of a refund."""

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=choices(RevenueKind))
    amount = models.DecimalField(max_digits=14, decimal_places=2)  # US dollars
    closed_at = models.DateTimeField()
    is_cs_driven = models.BooleanField(default=False)
    refunded_at = models.DateTimeField(null=True, blank=True)
    deal_id = models.CharField(max_length=MAX_PUBLIC_ID_LENGTH, blank=True)  # public id
    contract_id = models.CharField(max_length=MAX_PUBLIC_ID_LENGTH, blank=True)  # public id

    class Meta:
        constraints = (
            known("kind", RevenueKind),
            models.CheckConstraint(
                name="marketing_revenue_amount_positive", condition=Q(amount__gt=0)
            ),
            models.CheckConstraint(
                name="marketing_revenue_refund_after_close",
                condition=Q(refunded_at__isnull=True) | Q(refunded_at__gte=F("closed_at")),
            ),
            models.UniqueConstraint(
                name="marketing_revenue_once_a_deal",
                fields=["deal_id", "kind"],
                condition=~Q(deal_id=""),
            ),
        )
        # Revenue impact: what closed for the customers of a campaign after their enrollment.
        indexes = (models.Index(fields=["customer", "closed_at"], name="marketing_revenue_close"),)

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.kind} {self.amount}"


class ExpansionLead(models.Model):
    """A customer marked as qualified for expansion (MQL); one open lead a customer."""

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    trigger = models.ForeignKey(TriggerEvent, on_delete=models.PROTECT, related_name="leads")
    score_label = models.CharField(max_length=20)
    lifecycle = models.CharField(max_length=20)
    readiness = models.DecimalField(max_digits=5, decimal_places=2, validators=POINTS)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="marketing_one_open_lead",
                fields=["customer"],
                condition=Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(
                name="marketing_lead_readiness_range",
                condition=Q(readiness__gte=0) & Q(readiness__lte=100),
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.score_label}"
