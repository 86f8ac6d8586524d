from django.contrib import admin
from django.http import HttpRequest

from cs_integrations.admin import GrowingFact
from marketing.models import (
    Campaign,
    CampaignEnrollment,
    EngagementEvent,
    ExpansionLead,
    Message,
    RevenueEvent,
    Touchpoint,
    TriggerEvent,
)


@admin.register(Campaign)
class CampaignAdmin(admin.ModelAdmin[Campaign]):
    list_display = ("public_id", "kind", "status", "started_at", "ended_at", "cost")
    list_filter = ("kind", "status")
    search_fields = ("=public_id",)
    date_hierarchy = "started_at"


@admin.register(CampaignEnrollment)
class CampaignEnrollmentAdmin(admin.ModelAdmin[CampaignEnrollment]):
    list_display = (
        "campaign", "customer", "sequence", "zone_at_start", "health_at_start", "health_after",
        "started_at", "ended_at",
    )  # fmt: skip
    list_filter = ("sequence", "zone_at_start")
    list_select_related = ("campaign", "customer")
    raw_id_fields = ("campaign", "customer")
    search_fields = ("=campaign__public_id", "=customer__public_id", "customer__name")


@admin.register(ExpansionLead)
class ExpansionLeadAdmin(admin.ModelAdmin[ExpansionLead]):
    list_display = ("customer", "score_label", "lifecycle", "readiness", "opened_at", "closed_at")
    list_select_related = ("customer",)
    raw_id_fields = ("customer", "trigger")
    search_fields = ("=customer__public_id", "customer__name")


@admin.register(TriggerEvent)
class TriggerEventAdmin(GrowingFact, admin.ModelAdmin[TriggerEvent]):
    list_display = (
        "received_at", "customer", "health_score", "effective_category", "campaign",
        "estimated_impact",
    )  # fmt: skip
    list_filter = ("effective_category", "is_stale")
    list_select_related = ("customer", "campaign")
    search_fields = ("=customer__public_id", "customer__name", "=campaign__public_id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(EngagementEvent)
class EngagementEventAdmin(GrowingFact, admin.ModelAdmin[EngagementEvent]):
    list_display = ("occurred_at", "kind", "enrollment")
    list_filter = ("kind",)
    list_select_related = ("enrollment",)
    raw_id_fields = ("enrollment",)


@admin.register(Message)
class MessageAdmin(GrowingFact, admin.ModelAdmin[Message]):
    list_display = ("sent_at", "stakeholder", "step", "enrollment")
    list_select_related = ("stakeholder", "enrollment")
    raw_id_fields = ("stakeholder", "enrollment")


@admin.register(Touchpoint)
class TouchpointAdmin(GrowingFact, admin.ModelAdmin[Touchpoint]):
    list_display = ("occurred_at", "customer", "owner", "channel", "campaign")
    list_filter = ("owner", "channel")
    list_select_related = ("customer", "campaign")
    raw_id_fields = ("customer", "campaign")
    search_fields = ("=customer__public_id", "customer__name")


@admin.register(RevenueEvent)
class RevenueEventAdmin(admin.ModelAdmin[RevenueEvent]):
    """A sale stays as it was closed; only its refund is entered later."""

    list_display = ("closed_at", "customer", "kind", "amount", "is_cs_driven", "refunded_at")
    list_filter = ("kind", "is_cs_driven")
    list_select_related = ("customer",)
    raw_id_fields = ("customer",)
    search_fields = ("=customer__public_id", "customer__name", "=deal_id", "=contract_id")

    def get_readonly_fields(
        self,
        request: HttpRequest,
        obj: RevenueEvent | None = None,
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("customer", "kind", "amount", "closed_at", "is_cs_driven", "deal_id", "contract_id")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
