from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from cs_integrations.admin import GrowingFact, RecordedFact
from product.models import (
    Feature,
    FeatureEntitlement,
    FeatureRating,
    FeatureUsageDaily,
    Feedback,
    ProductTicket,
    RoadmapItem,
    TrainingRecord,
)


class TicketSearch(admin.ModelAdmin):  # type: ignore[type-arg]
    """Find tickets by the id that people paste."""

    search_help_text = "Ticket (PROD-12), customer or feature"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search for the number of a ticket where its whole id is given."""
        term = search_term.strip().removeprefix("PROD-")
        return super().get_search_results(request, queryset, term)


@admin.register(Feature)
class FeatureAdmin(admin.ModelAdmin[Feature]):
    list_display = (
        "public_id",
        "slug",
        "name",
        "kind",
        "min_plan",
        "released_date",
        "retired_date",
    )
    list_filter = ("kind",)
    list_select_related = ("min_plan",)
    search_fields = ("=public_id", "slug", "name")


@admin.register(FeatureEntitlement)
class FeatureEntitlementAdmin(admin.ModelAdmin[FeatureEntitlement]):
    list_display = ("customer", "feature", "enabled_date", "ended_date", "contracted_qty")
    list_filter = ("feature__kind",)
    list_select_related = ("customer", "feature")
    raw_id_fields = ("customer", "feature")
    search_fields = ("=customer__public_id", "customer__name", "feature__slug")


@admin.register(RoadmapItem)
class RoadmapItemAdmin(admin.ModelAdmin[RoadmapItem]):
    list_display = ("title", "feature", "year", "quarter", "status")
    list_filter = ("status", "year")
    list_select_related = ("feature",)
    raw_id_fields = ("feature",)
    search_fields = ("title", "feature__slug")


@admin.register(ProductTicket)
class ProductTicketAdmin(TicketSearch):
    """Tickets come from feedback; the product team moves their status."""

    list_display = (
        "public_id", "feature", "customer", "status", "priority", "priority_score", "target_date",
        "opened_at",
    )  # fmt: skip
    list_filter = ("status", "priority")
    list_select_related = ("customer", "feature")
    search_fields = ("=number", "=customer__public_id", "customer__name", "feature__slug")
    fields = (
        "public_id", "customer", "feature", "status", "closed_at", "priority", "priority_score",
        "target_date", "opened_at", "changed_at",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name not in ("status", "closed_at"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(FeatureUsageDaily)
class FeatureUsageDailyAdmin(GrowingFact, admin.ModelAdmin[FeatureUsageDaily]):
    list_display = ("customer", "feature", "used_date", "uses", "users", "errors", "successes")
    list_select_related = ("customer", "feature")
    raw_id_fields = ("customer", "feature")
    search_fields = ("=customer__public_id", "=feature__slug")
    show_full_result_count = False  # a row a day, customer and feature


@admin.register(TrainingRecord)
class TrainingRecordAdmin(GrowingFact, admin.ModelAdmin[TrainingRecord]):
    list_display = ("customer", "feature", "completed_pct", "recorded_at")
    list_select_related = ("customer", "feature")
    raw_id_fields = ("customer", "feature")
    search_fields = ("=customer__public_id", "customer__name", "feature__slug")


@admin.register(FeatureRating)
class FeatureRatingAdmin(GrowingFact, admin.ModelAdmin[FeatureRating]):
    list_display = ("customer", "feature", "rating", "rated_at")
    list_select_related = ("customer", "feature")
    raw_id_fields = ("customer", "feature")
    search_fields = ("=customer__public_id", "customer__name", "feature__slug")


@admin.register(Feedback)
class FeedbackAdmin(RecordedFact, TicketSearch):
    list_display = (
        "ticket", "customer", "feature", "impact_score", "kind", "answered_priority",
        "submitted_at",
    )  # fmt: skip
    list_filter = ("kind", "answered_priority")
    list_select_related = ("ticket", "customer", "feature")
    search_fields = ("=ticket__number", "=customer__public_id", "customer__name", "feature__slug")
