"""What finance knows of a customer: contracts, promises, deliveries, costs, credit, forecasts.

Money is in US dollars. Facts only grow: a correction is a new row with a negative amount, so
that a certified quarter stays as it was certified.
"""

from typing import ClassVar, TypeAlias

from django.db import models
from django.db.models import F, Q

from cs_integrations.database.codes import known
from cs_integrations.database.identifiers import public_id_field
from finance import rules


class ContractStatus(models.TextChoices):
    ACTIVE = "active", "In force by its dates"
    SUPERSEDED = "superseded", "Superseded by another contract"
    TERMINATED = "terminated", "Terminated before its end"


class Contract(models.Model):
    """What a customer has signed. Whether it has started or ended is told by its dates."""

    Status: TypeAlias = ContractStatus

    ID_PREFIX: ClassVar[str] = "ctr"

    public_id = public_id_field("ctr")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    start_date = models.DateField()
    end_date = models.DateField()  # the last day, on which the contract is up for renewal
    annual_value = models.DecimalField(max_digits=14, decimal_places=2)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    closed_date = models.DateField(null=True, blank=True)  # last day of one cut short
    superseded_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            known("status", ContractStatus),
            models.CheckConstraint(
                name="finance_contract_dates_ordered",
                condition=Q(end_date__gte=F("start_date")),
            ),
            models.CheckConstraint(
                name="finance_contract_value_range", condition=Q(annual_value__gte=0)
            ),
            models.CheckConstraint(
                name="finance_contract_cut_short_has_date",
                condition=Q(status="active", closed_date__isnull=True)
                | Q(status__in=("superseded", "terminated"), closed_date__isnull=False),
            ),
            models.CheckConstraint(
                name="finance_contract_superseded_has_successor",
                condition=Q(status="superseded", superseded_by__isnull=False)
                | (~Q(status="superseded") & Q(superseded_by__isnull=True)),
            ),
            models.UniqueConstraint(
                name="finance_one_active_contract_a_start",
                fields=["customer", "start_date"],
                condition=Q(status="active"),
            ),
        )
        # The current contract of one or many customers: the newest one that has started.
        indexes = (
            models.Index(
                F("customer"),
                F("start_date").desc(),
                condition=Q(status="active"),
                name="finance_current_contract",
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class Commitment(models.Model):
    """An outcome that a contract promises, valued in money."""

    class Accrual(models.TextChoices):
        LINEAR = rules.Accrual.LINEAR.value, "Day by day until it is due"
        MILESTONE = rules.Accrual.MILESTONE.value, "All at once"

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="commitments")
    outcome = models.CharField(max_length=120)
    accrual = models.CharField(max_length=10, choices=Accrual)
    committed_value = models.DecimalField(max_digits=14, decimal_places=2)
    start_date = models.DateField()
    due_date = models.DateField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = (
            known("accrual", rules.Accrual),
            models.CheckConstraint(
                name="finance_commitment_value_range", condition=Q(committed_value__gt=0)
            ),
            models.CheckConstraint(
                name="finance_commitment_dates_ordered",
                condition=Q(due_date__gte=F("start_date")),
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.outcome}"


class Delivery(models.Model):
    """Value that was delivered on a commitment; negative where it corrects another row."""

    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, related_name="deliveries")
    delivered_date = models.DateField()
    value = models.DecimalField(max_digits=14, decimal_places=2)
    evidence = models.CharField(max_length=500, blank=True)
    certified_by = models.CharField(max_length=200, blank=True)
    certified_quarter = models.CharField(max_length=6, blank=True)  # such as 2026Q1
    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = (
            models.CheckConstraint(
                name="finance_delivery_only_corrections_negative",
                condition=Q(value__gte=0) | Q(corrects__isnull=False),
            ),
            models.CheckConstraint(
                name="finance_delivery_quarter_written",
                condition=Q(certified_quarter="") | Q(certified_quarter__regex=r"^[0-9]{4}Q[1-4]$"),
            ),
        )
        # Delivered value to date of each commitment of one or many contracts.
        indexes = (
            models.Index(fields=["commitment", "delivered_date"], name="finance_delivered_to_date"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.commitment_id} {self.delivered_date}"


class CsCostMonthly(models.Model):
    """What Customer Success spent on a contract in one month, booked when the month is over."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+")
    month = models.DateField()  # the month's first day
    hours = models.DecimalField(max_digits=8, decimal_places=2)
    hourly_rate = models.DecimalField(  # null: the default loaded rate
        max_digits=8, decimal_places=2, null=True, blank=True
    )
    tool_cost = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = "monthly CS cost"
        constraints = (
            # Also the index of a contract's cost to date.
            models.UniqueConstraint(name="finance_one_cost_a_month", fields=["contract", "month"]),
            models.CheckConstraint(
                name="finance_cost_month_is_first_day", condition=Q(month__day=1)
            ),
            models.CheckConstraint(
                name="finance_cost_range",
                condition=Q(hours__gte=0, tool_cost__gte=0)
                & (Q(hourly_rate__isnull=True) | Q(hourly_rate__gte=0)),
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.contract_id} {self.month:%Y-%m}"


class OutcomeKind(models.TextChoices):
    """What kind of value Customer Success brought about."""

    EXPANSION = rules.OutcomeKind.EXPANSION.value, "CS-driven expansion"
    PROTECTED_REVENUE = rules.OutcomeKind.PROTECTED_REVENUE.value, "Protected revenue"
    CHURN_PREVENTED = rules.OutcomeKind.CHURN_PREVENTED.value, "Churn prevented"


class AttributionPolicy(models.Model):
    """The share of an outcome that the departments agreed to credit to Customer Success."""

    kind = models.CharField(max_length=20, choices=OutcomeKind)
    share = models.DecimalField(max_digits=5, decimal_places=4)  # 0 to 1
    valid_from = models.DateField()  # in force until the next one of its kind
    agreed_with = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "attribution policies"
        constraints = (
            known("kind", OutcomeKind),
            models.UniqueConstraint(name="finance_one_policy_a_day", fields=["kind", "valid_from"]),
            models.CheckConstraint(
                name="finance_policy_share_range", condition=Q(share__gte=0) & Q(share__lte=1)
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind} from {self.valid_from}"


class AttributionEntry(models.Model):
    """Revenue on a contract that Customer Success may claim a share of."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=OutcomeKind)
    occurred_date = models.DateField()
    amount = models.DecimalField(max_digits=14, decimal_places=2)  # negative: a correction
    share = models.DecimalField(  # null: by the policy in force on that day
        max_digits=5, decimal_places=4, null=True, blank=True
    )
    basis = models.CharField(max_length=200, blank=True)
    evidence = models.CharField(max_length=500, blank=True)
    source_public_id = models.CharField(max_length=64, blank=True)  # a deal's or a campaign's
    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "attribution entries"
        constraints = (
            known("kind", OutcomeKind),
            models.CheckConstraint(
                name="finance_entry_share_range",
                condition=Q(share__isnull=True) | (Q(share__gte=0) & Q(share__lte=1)),
            ),
            models.CheckConstraint(
                name="finance_entry_only_corrections_negative",
                condition=Q(amount__gte=0) | Q(corrects__isnull=False),
            ),
        )
        # Outcome value of a contract, to date and in the trailing window.
        indexes = (
            models.Index(fields=["contract", "occurred_date"], name="finance_outcomes_to_date"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind} {self.occurred_date}"


class ForecastAdjustment(models.Model):
    """A submitted renewal forecast, the model's view that day and what followed from both.

    History is kept: a new adjustment supersedes the current one and changes nothing else.
    """

    class Status(models.TextChoices):
        ACCEPTED = rules.ForecastStatus.ACCEPTED.value, "Accepted"
        NEEDS_REVIEW = rules.ForecastStatus.NEEDS_REVIEW.value, "Needs review"

    ID_PREFIX: ClassVar[str] = "fadj"

    public_id = public_id_field("fadj")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+")
    submitted_probability = models.DecimalField(max_digits=7, decimal_places=6)
    interval_low = models.DecimalField(max_digits=7, decimal_places=6)
    interval_high = models.DecimalField(max_digits=7, decimal_places=6)
    scenarios = models.JSONField(default=dict)  # money as submitted, by scenario name
    evidence = models.CharField(max_length=500, blank=True)
    period = models.CharField(max_length=40, blank=True)
    health_score = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    earlier_health_score = models.DecimalField(  # a trend window before
        max_digits=5, decimal_places=2, null=True, blank=True
    )
    readiness = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    model_probability = models.DecimalField(max_digits=7, decimal_places=6, null=True, blank=True)
    blended_probability = models.DecimalField(max_digits=7, decimal_places=6)
    expansion_probability = models.DecimalField(
        max_digits=7, decimal_places=6, null=True, blank=True
    )
    annual_value = models.DecimalField(max_digits=14, decimal_places=2)  # the contract's, then
    risk_adjusted_value = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True
    )
    status = models.CharField(max_length=12, choices=Status)
    reasons = models.JSONField(default=list)  # sentences, as they were given
    fingerprint = models.CharField(max_length=64)  # recognizes a natural repeat
    effective_from = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            known("status", rules.ForecastStatus),
            # Also the index of a customer's current forecast.
            models.UniqueConstraint(
                name="finance_one_active_forecast",
                fields=["customer"],
                condition=Q(superseded_at__isnull=True),
            ),
            models.CheckConstraint(
                name="finance_forecast_interval_ordered",
                condition=Q(
                    interval_low__gte=0,
                    submitted_probability__gte=F("interval_low"),
                    interval_high__gte=F("submitted_probability"),
                    interval_high__lte=1,
                ),
            ),
            models.CheckConstraint(
                name="finance_forecast_blend_range",
                condition=Q(blended_probability__gte=0, blended_probability__lte=1),
            ),
        )
        # A customer's history of forecasts, newest first.
        indexes = (
            models.Index(
                F("customer"), F("effective_from").desc(), name="finance_forecast_history"
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class Payment(models.Model):
    """A payment that a customer owes or has made."""

    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    due_date = models.DateField()
    paid_date = models.DateField(null=True, blank=True)
    disputed_date = models.DateField(null=True, blank=True)
    settled_date = models.DateField(null=True, blank=True)  # when the dispute was settled

    class Meta:
        constraints = (
            models.CheckConstraint(name="finance_payment_amount_range", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="finance_payment_dispute_ordered",
                condition=Q(settled_date__isnull=True)
                | Q(disputed_date__isnull=False, settled_date__gte=F("disputed_date")),
            ),
        )
        # Fees paid, and the late and disputed payments, of one or many customers.
        indexes = (models.Index(fields=["customer", "due_date"], name="finance_payments_due"),)

    def __str__(self) -> str:
        return f"#{self.pk} {self.customer_id} {self.due_date}"
