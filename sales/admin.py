from django.contrib import admin
from django.http import HttpRequest

from cs_integrations.admin import GrowingFact
from sales.models import (
    BaselineKpi,
    Deal,
    EvidenceItem,
    HandoffItem,
    HandoffPackage,
    Opportunity,
    SuccessPlan,
    WhiteSpaceItem,
)


@admin.register(Deal)
class DealAdmin(admin.ModelAdmin[Deal]):
    list_display = (
        "public_id", "name", "customer", "stage", "amount", "expected_close_date", "crm_stage",
        "crm_amount", "crm_owner",
    )  # fmt: skip
    list_filter = ("stage", "segment", "crm_owner")
    list_select_related = ("customer",)
    raw_id_fields = ("customer",)
    readonly_fields = ("public_id", "created_at", "updated_at")
    search_fields = ("=public_id", "name", "=customer__public_id", "customer__name")


class HandoffItemInline(admin.TabularInline[HandoffItem, HandoffPackage]):
    model = HandoffItem
    extra = 0

    def has_change_permission(
        self, request: HttpRequest, obj: HandoffPackage | None = None
    ) -> bool:
        is_open = obj is None or obj.completed_at is None
        return is_open and super().has_change_permission(request, obj)


@admin.register(HandoffPackage)
class HandoffPackageAdmin(admin.ModelAdmin[HandoffPackage]):
    """The parts are filled in and verified here; only a request completes a handoff.

    A completed handoff stays as it was accepted.
    """

    list_display = ("deal", "status", "completed_at", "completed_sync", "accuracy", "follow_up")
    list_filter = ("status", "completed_sync")
    list_select_related = ("deal",)
    raw_id_fields = ("deal",)
    readonly_fields = (
        "status", "completed_at", "completed_sync", "day_zero_health", "created_at", "updated_at",
    )  # fmt: skip
    search_fields = (
        "=deal__public_id",
        "deal__name",
        "=deal__customer__public_id",
        "deal__customer__name",
    )
    inlines = (HandoffItemInline,)

    def has_change_permission(
        self, request: HttpRequest, obj: HandoffPackage | None = None
    ) -> bool:
        is_open = obj is None or obj.completed_at is None
        return is_open and super().has_change_permission(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: HandoffPackage | None = None
    ) -> bool:
        return False


@admin.register(HandoffItem)
class HandoffItemAdmin(admin.ModelAdmin[HandoffItem]):
    list_display = ("package", "code", "verified_by", "verified_at")
    list_filter = ("code", ("verified_at", admin.EmptyFieldListFilter))
    list_select_related = ("package",)
    raw_id_fields = ("package",)
    search_fields = ("=package__deal__public_id", "package__deal__name")


@admin.register(SuccessPlan)
class SuccessPlanAdmin(admin.ModelAdmin[SuccessPlan]):
    """A plan is bound to its deal by the handoff alone, so the deal is not offered."""

    list_display = ("public_id", "name", "customer", "status", "approved_at", "deal")
    list_filter = ("status",)
    list_select_related = ("customer", "deal")
    raw_id_fields = ("customer",)
    readonly_fields = ("public_id", "deal", "created_at", "updated_at")
    search_fields = ("=public_id", "name", "=customer__public_id", "customer__name")


@admin.register(BaselineKpi)
class BaselineKpiAdmin(GrowingFact, admin.ModelAdmin[BaselineKpi]):
    """Baselines are frozen by a handoff and by nobody else."""

    list_display = ("plan", "name", "value", "frozen_at")
    list_filter = ("name",)
    list_select_related = ("plan",)
    search_fields = ("=plan__public_id", "plan__name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(EvidenceItem)
class EvidenceItemAdmin(GrowingFact, admin.ModelAdmin[EvidenceItem]):
    list_display = ("customer", "code", "milestone_code", "achieved_date", "recorded_at")
    list_filter = ("code",)
    list_select_related = ("customer",)
    raw_id_fields = ("customer",)
    search_fields = ("=customer__public_id", "customer__name", "milestone_code")


@admin.register(WhiteSpaceItem)
class WhiteSpaceItemAdmin(admin.ModelAdmin[WhiteSpaceItem]):
    list_display = ("name", "customer", "kind", "monthly_value", "fit_rule", "is_owned")
    list_filter = ("kind", "fit_rule", "is_owned")
    list_select_related = ("customer",)
    raw_id_fields = ("customer",)
    search_fields = ("name", "=customer__public_id", "customer__name")


@admin.register(Opportunity)
class OpportunityAdmin(admin.ModelAdmin[Opportunity]):
    list_display = (
        "public_id", "customer", "stage", "annual_value", "close_probability", "opened_at",
    )  # fmt: skip
    list_filter = ("stage",)
    list_select_related = ("customer",)
    raw_id_fields = ("customer", "evidence")
    readonly_fields = ("public_id", "updated_at")
    search_fields = ("=public_id", "=customer__public_id", "customer__name")
