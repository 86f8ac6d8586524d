"""The wire of the product operations."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from cs_integrations.api.serializers import (
    AnswerOut,
    CodeField,
    PublicIdField,
    StrictSerializer,
    TextField,
    WholeNumberField,
)
from cs_integrations.api.trail import Trail
from product import rules
from product.models import Feedback, Priority, ProductTicket


class AdoptionOut(AnswerOut):
    adoption_rate = serializers.CharField(
        allow_null=True, help_text='Eligible customers that adopted the feature, e.g. "68%".'
    )
    health_correlation = serializers.FloatField(
        allow_null=True,
        help_text="Pearson's r of adoption depth with health, -1 to 1. Health contains adoption.",
    )
    barriers = serializers.ListField(
        child=serializers.ChoiceField(choices=[code.value for code in rules.Barrier]),
        help_text="What keeps customers from the feature, largest shortfall first.",
    )
    recommendations = serializers.ListField(
        child=serializers.ChoiceField(choices=[code.value for code in rules.Recommendation]),
        help_text="The remedy of each barrier, in the barriers' order.",
    )

    trail = Trail(plain=("adoption_rate", "health_correlation", "barriers", "recommendations"))


class FeedbackIn(StrictSerializer):
    customer_id = PublicIdField(prefix="cust")
    feature_id = PublicIdField(prefix="feat")
    impact_score = WholeNumberField(low=1, high=10)
    evidence = TextField(max_length=2048, help_text="A URL or reference; it is never fetched.")
    type = CodeField(codes=tuple(Feedback.Kind.values), required=False, default="")
    category = TextField(required=False, default="", allow_blank=True, max_length=60)
    description = TextField(required=False, default="", allow_blank=True, max_length=4000)

    # Equal evidence makes a repeat, so that is worth seeing.
    trail = Trail(
        plain=("customer_id", "feature_id", "impact_score", "type"),
        hashed=("evidence",),
        dropped=("category", "description"),
    )


class FeedbackOut(AnswerOut):
    ticket_id = serializers.CharField(help_text='e.g. "PROD-1234".')
    priority = serializers.ChoiceField(
        choices=Priority.choices, help_text="Urgency; it decides the quarter only off the roadmap."
    )
    roadmap_position = serializers.CharField(
        help_text='"Q2_target" or "backlog": the feature\'s roadmap item first, else by priority.'
    )

    # A ticket's number comes from a sequence, which no rollback takes back.
    trail = Trail(plain=("ticket_id", "priority", "roadmap_position"), varying=("ticket_id",))


class TicketStatusOut(AnswerOut):
    ticket_id = serializers.CharField()
    status = serializers.ChoiceField(choices=ProductTicket.Status.choices)
    priority = serializers.ChoiceField(
        choices=Priority.choices, help_text="Urgency; it decides the quarter only off the roadmap."
    )
    roadmap_position = serializers.CharField(
        help_text='"Q2_target" or "backlog": the feature\'s roadmap item first, else by priority.'
    )
    target_date = serializers.DateField(
        allow_null=True, help_text="Last day of the target quarter; null in the backlog."
    )
    feedback_count = serializers.IntegerField(help_text="Submissions that the ticket answers.")

    trail = Trail(
        plain=(
            "ticket_id",
            "status",
            "priority",
            "roadmap_position",
            "target_date",
            "feedback_count",
        )
    )


def submission(members: Mapping[str, Any]) -> rules.Submission:
    """Return the checked members as the value that the rules take."""
    return rules.Submission(
        impact_score=members["impact_score"],
        evidence=members["evidence"],
        kind=members["type"],
        category=members["category"],
        description=members["description"],
    )
