"""Deals and their handoff, success plans with frozen baselines, and what speaks for expansion.

Facts are stored; gaps, readiness, proof and white space are computed by the rules.
"""

from datetime import datetime
from typing import ClassVar, TypeAlias

from django.db import models
from django.db.models import Q

from cs_integrations.customers.models import Segment
from cs_integrations.database.codes import known
from cs_integrations.database.identifiers import MAX_PUBLIC_ID_LENGTH, public_id_field
from sales import rules


class DealStage(models.TextChoices):
    DISCOVERY = "discovery", "Discovery"
    PROPOSAL = "proposal", "Proposal"
    NEGOTIATION = "negotiation", "Negotiation"
    CLOSED_WON = "closed_won", "Closed won"
    CLOSED_LOST = "closed_lost", "Closed lost"


class Deal(models.Model):
    """A sales opportunity, with the copy of it that the CRM last sent.

    An open deal may be a prospect's and then has no customer; a won one always has.
    Amounts are US dollars a year.
    """

    Stage: TypeAlias = DealStage

    ID_PREFIX: ClassVar[str] = "deal"
    CLOSED_STAGES: ClassVar = (Stage.CLOSED_WON, Stage.CLOSED_LOST)

    public_id = public_id_field("deal")
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    name = models.CharField(max_length=200)
    segment = models.CharField(max_length=20, choices=Segment)
    stage = models.CharField(max_length=12, choices=Stage, default=Stage.DISCOVERY)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    close_probability = models.DecimalField(max_digits=4, decimal_places=3)  # 0 to 1
    expected_close_date = models.DateField()
    closed_at = models.DateTimeField(null=True, blank=True)
    contract_id = models.CharField(max_length=MAX_PUBLIC_ID_LENGTH, blank=True)  # finance's
    crm_stage = models.CharField(max_length=12, choices=Stage, blank=True)
    crm_amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    crm_owner = models.CharField(max_length=40, blank=True)  # code of a CSM after the handoff
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            known("segment", Segment),
            known("stage", DealStage),
            known("crm_stage", DealStage, blank=True),
            models.CheckConstraint(
                name="sales_deal_probability_range",
                condition=Q(close_probability__gte=0) & Q(close_probability__lte=1),
            ),
            models.CheckConstraint(name="sales_deal_amount_range", condition=Q(amount__gte=0)),
            models.CheckConstraint(
                name="sales_deal_closed_has_time",
                condition=Q(stage__in=("closed_won", "closed_lost"), closed_at__isnull=False)
                | Q(stage__in=("discovery", "proposal", "negotiation"), closed_at__isnull=True),
            ),
            models.CheckConstraint(
                name="sales_deal_won_has_customer",
                condition=~Q(stage="closed_won") | Q(customer__isnull=False),
            ),
        )
        # The capacity forecast reads the open deals that are expected to close in a period.
        indexes = (
            models.Index(
                fields=["expected_close_date"],
                condition=Q(closed_at__isnull=True),
                name="sales_deal_open_by_close",
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.name}"

    @property
    def won_at(self) -> datetime:
        """When the deal was closed.

        :raises ValueError: it is still open
        """
        if self.closed_at is None:
            raise ValueError(f"{self.public_id} is not closed")
        return self.closed_at


class HandoffPackageStatus(models.TextChoices):
    OPEN = "open", "Open"
    IN_TRANSITION = "in_transition", "In transition"
    COMPLETE = "complete", "Complete"


class HandoffPackage(models.Model):
    """What sales passes on with a won deal, and how far the transition is."""

    Status: TypeAlias = HandoffPackageStatus

    class Sync(models.TextChoices):
        CONFIRMED = rules.PipelineSync.CONFIRMED.value, "Confirmed"
        PENDING = rules.PipelineSync.PENDING.value, "Pending"
        CONFLICT = rules.PipelineSync.CONFLICT.value, "Conflict"

    deal = models.OneToOneField(Deal, on_delete=models.PROTECT, related_name="handoff")
    status = models.CharField(max_length=13, choices=Status, default=Status.OPEN)
    completed_at = models.DateTimeField(null=True, blank=True)
    # The sync as it was answered at completion; a repeat is answered the same.
    completed_sync = models.CharField(max_length=9, choices=Sync, blank=True)
    day_zero_health = models.DecimalField(  # latest computed score at completion, if any
        max_digits=5, decimal_places=2, null=True, blank=True
    )
    accuracy = models.DecimalField(  # points 0 to 100, given by the reviewer
        max_digits=5, decimal_places=2, null=True, blank=True
    )
    follow_up = models.DecimalField(  # points 0 to 100, given by the reviewer
        max_digits=5, decimal_places=2, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            known("status", HandoffPackageStatus),
            known("completed_sync", rules.PipelineSync, blank=True),
            models.CheckConstraint(
                name="sales_handoff_complete_is_dated",
                condition=(Q(status="complete", completed_at__isnull=False) & ~Q(completed_sync=""))
                | Q(
                    status__in=("open", "in_transition"),
                    completed_at__isnull=True,
                    completed_sync="",
                ),
            ),
            models.CheckConstraint(
                name="sales_handoff_accuracy_range",
                condition=Q(accuracy__gte=0) & Q(accuracy__lte=100),
            ),
            models.CheckConstraint(
                name="sales_handoff_follow_up_range",
                condition=Q(follow_up__gte=0) & Q(follow_up__lte=100),
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.deal_id} {self.status}"


class HandoffItem(models.Model):
    """One of the eight parts of a handoff package."""

    class Code(models.TextChoices):
        CUSTOMER_CONTEXT = rules.HandoffItemCode.CUSTOMER_CONTEXT.value, "Customer context"
        EXECUTIVE_RELATIONSHIPS = (
            rules.HandoffItemCode.EXECUTIVE_RELATIONSHIPS.value,
            "Executive relationships",
        )
        SUCCESS_CRITERIA = rules.HandoffItemCode.SUCCESS_CRITERIA.value, "Success criteria"
        BASELINE_METRICS = rules.HandoffItemCode.BASELINE_METRICS.value, "Baseline metrics"
        DEAL_NARRATIVE = rules.HandoffItemCode.DEAL_NARRATIVE.value, "Deal narrative"
        CHAMPION_MAPPING = rules.HandoffItemCode.CHAMPION_MAPPING.value, "Champion mapping"
        IMPLEMENTATION_NOTES = (
            rules.HandoffItemCode.IMPLEMENTATION_NOTES.value,
            "Implementation notes",
        )
        EXPANSION_POTENTIAL = rules.HandoffItemCode.EXPANSION_POTENTIAL.value, "Expansion potential"

    package = models.ForeignKey(HandoffPackage, on_delete=models.CASCADE, related_name="items")
    code = models.CharField(max_length=24, choices=Code)
    content = models.TextField(blank=True)
    verified_by = models.CharField(max_length=100, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            known("code", rules.HandoffItemCode),
            models.UniqueConstraint(name="sales_handoff_item_once", fields=["package", "code"]),
            models.CheckConstraint(
                name="sales_handoff_item_verified_by_someone",
                condition=Q(verified_by="", verified_at__isnull=True)
                | (~Q(verified_by="") & Q(verified_at__isnull=False)),
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class SuccessPlanStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    APPROVED = "approved", "Approved"
    ACTIVE = "active", "Active"
    CLOSED = "closed", "Closed"


class SuccessPlan(models.Model):
    """Goals agreed with one customer; bound to a deal when that deal's handoff completes."""

    Status: TypeAlias = SuccessPlanStatus

    ID_PREFIX: ClassVar[str] = "sp"
    APPROVED_STATUSES: ClassVar = (Status.APPROVED, Status.ACTIVE)

    public_id = public_id_field("sp")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    deal = models.OneToOneField(
        Deal, on_delete=models.PROTECT, related_name="success_plan", null=True, blank=True
    )
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    approved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            known("status", SuccessPlanStatus),
            models.CheckConstraint(
                name="sales_plan_approved_is_dated",
                condition=~Q(status__in=("approved", "active")) | Q(approved_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.name}"


class BaselineKpi(models.Model):
    """A target fixed at the handoff; append-only, in the unit that its name says."""

    class Name(models.TextChoices):
        NPS_TARGET = rules.Kpi.NPS_TARGET.value, "NPS answer, 0 to 10"
        CSAT_TARGET = rules.Kpi.CSAT_TARGET.value, "CSAT answer, 1 to 5"
        ADOPTION_TARGET = rules.Kpi.ADOPTION_TARGET.value, "Adoption, %"
        HEALTH_TARGET = rules.Kpi.HEALTH_TARGET.value, "Health score, points"
        ROI_TARGET = rules.Kpi.ROI_TARGET.value, "Return, multiple of fees"
        TIME_TO_VALUE_DAYS = rules.Kpi.TIME_TO_VALUE_DAYS.value, "Time to value, days"
        ACTIVE_USERS_TARGET = rules.Kpi.ACTIVE_USERS_TARGET.value, "Active users, %"
        RENEWAL_TARGET = rules.Kpi.RENEWAL_TARGET.value, "Renewal, probability"

    plan = models.ForeignKey(SuccessPlan, on_delete=models.PROTECT, related_name="baseline_kpis")
    name = models.CharField(max_length=20, choices=Name)
    value = models.DecimalField(max_digits=9, decimal_places=4)
    frozen_at = models.DateTimeField()

    class Meta:
        constraints = (
            known("name", rules.Kpi),
            models.UniqueConstraint(name="sales_baseline_kpi_once", fields=["plan", "name"]),
            models.CheckConstraint(name="sales_baseline_kpi_range", condition=Q(value__gte=0)),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.name} {self.value}"


class EvidenceItem(models.Model):
    """Proof of value at a customer; append-only. Only these rows attest a portfolio code."""

    class Code(models.TextChoices):
        ROI_DEMONSTRATED = rules.EvidenceCode.ROI_DEMONSTRATED.value, "Return shown"
        MILESTONE = rules.EvidenceCode.MILESTONE.value, "Milestone reached"
        EXECUTIVE_SPONSORSHIP = (
            rules.EvidenceCode.EXECUTIVE_SPONSORSHIP.value,
            "Executive sponsorship",
        )
        CUSTOMER_TESTIMONIAL = rules.EvidenceCode.CUSTOMER_TESTIMONIAL.value, "Testimonial"
        REFERENCE_CUSTOMER = rules.EvidenceCode.REFERENCE_CUSTOMER.value, "Reference customer"
        EXPANSION_REQUESTED_BY_CUSTOMER = (
            rules.EvidenceCode.EXPANSION_REQUESTED_BY_CUSTOMER.value,
            "Expansion requested",
        )

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=32, choices=Code)
    milestone_code = models.SlugField(blank=True, db_index=False)  # of the milestone catalogue
    achieved_date = models.DateField()
    reference = models.CharField(max_length=500)  # where the proof is kept; never fetched
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = (
            known("code", rules.EvidenceCode),
            models.CheckConstraint(
                name="sales_evidence_milestone_is_named",
                condition=(Q(code="milestone") & ~Q(milestone_code=""))
                | (~Q(code="milestone") & Q(milestone_code="")),
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.code} {self.achieved_date}"


class WhiteSpaceItem(models.Model):
    """Something on offer to one customer; price in US dollars a month."""

    class Kind(models.TextChoices):
        QUOTED = rules.ItemKind.QUOTED.value, "Quoted to this account"
        ADD_ON = rules.ItemKind.ADD_ON.value, "Add-on of the price list"
        PRODUCT = rules.ItemKind.PRODUCT.value, "Product of the price list"

    class FitRule(models.TextChoices):
        ALWAYS = rules.FitRule.ALWAYS.value, "Always"
        MAIL_VOLUME_OVER_LIMIT = (
            rules.FitRule.MAIL_VOLUME_OVER_LIMIT.value,
            "Mail volume over the limit",
        )
        SEATS_IN_FULL_USE = rules.FitRule.SEATS_IN_FULL_USE.value, "All seats in use"

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=7, choices=Kind)
    monthly_value = models.DecimalField(max_digits=14, decimal_places=2)
    fit_rule = models.CharField(max_length=24, choices=FitRule, default=FitRule.ALWAYS)
    is_owned = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            known("kind", rules.ItemKind),
            known("fit_rule", rules.FitRule),
            models.UniqueConstraint(name="sales_white_space_once", fields=["customer", "name"]),
            models.CheckConstraint(
                name="sales_white_space_value_range", condition=Q(monthly_value__gte=0)
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.name}"


class OpportunityStage(models.TextChoices):
    CS_QUALIFIED = "cs_qualified", "CS-Qualified"
    SQL = "sql", "Sales-qualified"
    NEGOTIATION = "negotiation", "Negotiation"
    WON = "won", "Won"
    LOST = "lost", "Lost"


class Opportunity(models.Model):
    """An expansion that Customer Success evidence speaks for (ITP T2.1); US dollars a year."""

    Stage: TypeAlias = OpportunityStage

    ID_PREFIX: ClassVar[str] = "opp"

    public_id = public_id_field("opp")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    stage = models.CharField(max_length=12, choices=Stage, default=Stage.CS_QUALIFIED)
    annual_value = models.DecimalField(max_digits=14, decimal_places=2)
    close_probability = models.DecimalField(max_digits=4, decimal_places=3)  # 0 to 1
    crm_amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    evidence = models.ManyToManyField(EvidenceItem, related_name="opportunities", blank=True)
    opened_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "opportunities"
        constraints = (
            known("stage", OpportunityStage),
            models.CheckConstraint(
                name="sales_opportunity_probability_range",
                condition=Q(close_probability__gte=0) & Q(close_probability__lte=1),
            ),
            models.CheckConstraint(
                name="sales_opportunity_value_range", condition=Q(annual_value__gte=0)
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.stage}"
