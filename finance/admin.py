from django.contrib import admin
from django.http import HttpRequest

from cs_integrations.admin import GrowingFact
from finance.models import (
    AttributionEntry,
    AttributionPolicy,
    Commitment,
    Contract,
    CsCostMonthly,
    Delivery,
    ForecastAdjustment,
    Payment,
)


@admin.register(Contract)
class ContractAdmin(admin.ModelAdmin[Contract]):
    list_display = ("public_id", "customer", "start_date", "end_date", "annual_value", "status")
    list_filter = ("status",)
    list_select_related = ("customer",)
    raw_id_fields = ("customer", "superseded_by")
    search_fields = ("=public_id", "=customer__public_id", "customer__name")


@admin.register(Commitment)
class CommitmentAdmin(admin.ModelAdmin[Commitment]):
    list_display = ("outcome", "contract", "committed_value", "accrual", "start_date", "due_date")
    list_filter = ("accrual",)
    list_select_related = ("contract",)
    raw_id_fields = ("contract",)
    search_fields = ("outcome", "=contract__public_id")


@admin.register(AttributionPolicy)
class AttributionPolicyAdmin(admin.ModelAdmin[AttributionPolicy]):
    list_display = ("kind", "share", "valid_from", "agreed_with")
    list_filter = ("kind",)


@admin.register(Delivery)
class DeliveryAdmin(GrowingFact, admin.ModelAdmin[Delivery]):
    list_display = ("commitment", "delivered_date", "value", "certified_quarter")
    list_select_related = ("commitment",)
    raw_id_fields = ("commitment", "corrects")
    search_fields = ("commitment__outcome", "=commitment__contract__public_id")


@admin.register(CsCostMonthly)
class CsCostMonthlyAdmin(GrowingFact, admin.ModelAdmin[CsCostMonthly]):
    list_display = ("contract", "month", "hours", "hourly_rate", "tool_cost")
    list_select_related = ("contract",)
    raw_id_fields = ("contract",)
    search_fields = ("=contract__public_id",)


@admin.register(AttributionEntry)
class AttributionEntryAdmin(GrowingFact, admin.ModelAdmin[AttributionEntry]):
    list_display = ("contract", "kind", "occurred_date", "amount", "share", "basis")
    list_filter = ("kind",)
    list_select_related = ("contract",)
    raw_id_fields = ("contract", "corrects")
    search_fields = ("=contract__public_id", "=source_public_id")


@admin.register(ForecastAdjustment)
class ForecastAdjustmentAdmin(GrowingFact, admin.ModelAdmin[ForecastAdjustment]):
    list_display = (
        "public_id", "customer", "submitted_probability", "blended_probability", "status",
        "effective_from", "superseded_at",
    )  # fmt: skip
    list_filter = ("status",)
    list_select_related = ("customer",)
    search_fields = ("=public_id", "=customer__public_id", "customer__name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Payment)
class PaymentAdmin(admin.ModelAdmin[Payment]):
    list_display = ("customer", "due_date", "amount", "paid_date", "disputed_date", "settled_date")
    list_select_related = ("customer",)
    raw_id_fields = ("customer",)
    search_fields = ("=customer__public_id", "customer__name")
