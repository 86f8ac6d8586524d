"""Customers in the admin, for the person on call. Measured facts can be read, not rewritten."""

from django.contrib import admin
from django.http import HttpRequest

from cs_integrations.admin import RecordedFact
from cs_integrations.customers.models import (
    ContactConsent,
    Customer,
    CustomerMilestone,
    HealthSnapshot,
    Milestone,
    Plan,
    Stakeholder,
    Subscription,
    UsageMonthly,
)

CUSTOMER_SEARCH = ("=customer__public_id", "customer__name")


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin[Customer]):
    list_display = ("public_id", "name", "segment", "industry", "stage", "status", "started_date")
    list_filter = ("status", "segment", "stage", "industry")
    search_fields = ("=public_id", "name")
    readonly_fields = ("public_id", "created_at", "updated_at")
    date_hierarchy = "started_date"

    def has_delete_permission(
        self,
        request: HttpRequest,
        obj: Customer | None = None,
    ) -> bool:
        """Deny: a customer leaves by its status; what is known about it stays."""
        return False


@admin.register(Stakeholder)
class StakeholderAdmin(admin.ModelAdmin[Stakeholder]):
    list_display = (
        "name",
        "customer",
        "role",
        "level",
        "is_sponsor",
        "is_champion",
        "is_decision_maker",
        "is_marketing_contact",
        "nps",
        "left_date",
    )
    list_filter = ("level", "is_sponsor", "is_champion", "is_decision_maker")
    list_select_related = ("customer",)
    raw_id_fields = ("customer",)
    search_fields = ("name", *CUSTOMER_SEARCH)


@admin.register(ContactConsent)
class ContactConsentAdmin(admin.ModelAdmin[ContactConsent]):
    list_display = ("stakeholder", "channel", "opted_out_at")
    list_filter = ("channel", ("opted_out_at", admin.EmptyFieldListFilter))
    list_select_related = ("stakeholder",)
    raw_id_fields = ("stakeholder",)
    search_fields = (
        "stakeholder__name",
        "=stakeholder__customer__public_id",
        "stakeholder__customer__name",
    )


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin[Plan]):
    list_display = (
        "code",
        "name",
        "rank",
        "monthly_price",
        "mails_per_month",
        "seats",
        "workspaces",
        "seat_price",
        "workspace_price",
    )
    ordering = ("rank",)
    search_fields = ("code", "name")


@admin.register(Subscription)
class SubscriptionAdmin(admin.ModelAdmin[Subscription]):
    list_display = (
        "customer",
        "plan",
        "seats",
        "eligible_users",
        "workspaces",
        "business_units",
        "monthly_price",
        "started_date",
        "ended_date",
    )
    list_filter = ("plan", ("ended_date", admin.EmptyFieldListFilter))
    list_select_related = ("customer", "plan")
    raw_id_fields = ("customer",)
    search_fields = CUSTOMER_SEARCH


@admin.register(HealthSnapshot)
class HealthSnapshotAdmin(RecordedFact, admin.ModelAdmin[HealthSnapshot]):
    list_display = (
        "customer",
        "measured_date",
        "source",
        "score",
        "usage",
        "engagement",
        "business",
        "relationship",
    )
    list_filter = ("source", "measured_date")
    list_select_related = ("customer",)
    ordering = ("-measured_date", "customer_id")
    search_fields = CUSTOMER_SEARCH
    show_full_result_count = False  # a full count of a series that grows daily serves nobody


@admin.register(UsageMonthly)
class UsageMonthlyAdmin(RecordedFact, admin.ModelAdmin[UsageMonthly]):
    list_display = ("customer", "month", "metric", "used", "limit")
    list_filter = ("metric", "month")
    list_select_related = ("customer",)
    ordering = ("-month", "customer_id", "metric")
    search_fields = CUSTOMER_SEARCH
    show_full_result_count = False


@admin.register(Milestone)
class MilestoneAdmin(admin.ModelAdmin[Milestone]):
    list_display = ("code", "phase")
    list_filter = ("phase",)
    ordering = ("phase", "code")
    search_fields = ("code",)


@admin.register(CustomerMilestone)
class CustomerMilestoneAdmin(admin.ModelAdmin[CustomerMilestone]):
    list_display = ("customer", "milestone", "achieved_date", "source")
    list_filter = ("milestone", "source")
    list_select_related = ("customer", "milestone")
    raw_id_fields = ("customer",)
    search_fields = CUSTOMER_SEARCH
