"""What is known of tickets: where they stand, and the feedback that they answer."""

from datetime import date, datetime
from typing import Any

from django.db.models import Count, Max, QuerySet

from cs_integrations.customers.models import Customer
from cs_integrations.explanation import Explanation, Outcome
from cs_integrations.refusals import UnknownObject
from product import rules
from product.models import Feature, Feedback, ProductTicket, RoadmapItem
from product.rules import PARAMETERS, ProductParameters

FEEDBACK_RULE = "product.feedback"
ROADMAP_RULE = "product.roadmap"
RULE_VERSION = "1"


def ticket_status(
    *, ticket_id: str, at: datetime, parameters: ProductParameters = PARAMETERS
) -> Outcome:
    """Return where a ticket stands today.

    :raises UnknownObject: there is no such ticket
    """
    number = rules.ticket_number(ticket_id)
    ticket = None if number is None else _counted_tickets().filter(number=number).first()
    if ticket is None:
        raise UnknownObject("There is no product ticket with this id.")
    position = _current_position(ticket, at.date(), parameters)
    return Outcome(
        body={
            "ticket_id": ticket.public_id,
            "status": ticket.status,
            "priority": ticket.priority,
            "roadmap_position": position.label,
            "target_date": position.target_date,
            "feedback_count": ticket.submissions,
        },
        explanation=_status_explanation(ticket, position, at.date()),
        customer_id=ticket.customer.public_id,
    )


def feedback_outcome(*, feedback: Feedback, replayed: bool = False) -> Outcome:
    """Return a stored submission as an answer; nothing of it is computed again."""
    ticket_id = rules.ticket_id(feedback.ticket_id)
    return Outcome(
        body={
            "ticket_id": ticket_id,
            "priority": feedback.answered_priority,
            "roadmap_position": feedback.answered_position,
        },
        explanation=Explanation(
            rule_id=FEEDBACK_RULE,
            rule_version=RULE_VERSION,
            inputs={
                "customer_id": feedback.customer.public_id,
                "feature_id": feedback.feature.public_id,
                "impact_score": feedback.impact_score,
                "segment": feedback.segment,
                "customers_reporting": feedback.reporters,
                "health_score": feedback.health_score,
                "submitted_at": feedback.submitted_at,
            },
            steps={
                "impact_points": feedback.impact_points,
                "tier_points": feedback.tier_points,
                "prevalence_points": feedback.prevalence_points,
                "risk_points": feedback.risk_points,
                "priority_score": feedback.priority_score,
                "ticket_score": feedback.answered_score,
                "position_basis": feedback.answered_basis,
            },
            reasons=tuple(feedback.reasons),
        ),
        location_id=ticket_id,
        replayed=replayed,
        customer_id=feedback.customer.public_id,
    )


def open_tickets() -> QuerySet[ProductTicket]:
    """Return the tickets that may take further evidence: one a customer and feature at most."""
    return ProductTicket.objects.filter(closed_at__isnull=True)


def feedback_since(*, customer: Customer, feature: Feature, since: datetime) -> list[Feedback]:
    """Return what a customer submitted for a feature from a moment on."""
    return list(
        Feedback.objects.filter(
            customer=customer, feature=feature, submitted_at__gte=since
        ).select_related("customer", "feature")
    )


def other_reporters(*, customer: Customer, feature: Feature, since: datetime) -> int:
    """Return how many other customers have reported a feature from a moment on."""
    others = Feedback.objects.filter(feature=feature, submitted_at__gte=since).exclude(
        customer=customer
    )
    return others.values("customer").distinct().count()


def planned_quarters(*, feature: Feature) -> list[rules.Quarter]:
    """Return the quarters of a feature's undelivered roadmap items."""
    rows = RoadmapItem.objects.filter(
        feature=feature, status__in=[RoadmapItem.Status.PLANNED, RoadmapItem.Status.IN_PROGRESS]
    ).values_list("year", "quarter")
    return [rules.Quarter(year, number) for year, number in rows]


def _counted_tickets() -> QuerySet[ProductTicket, Any]:
    """Return the tickets, each with the number of its submissions and the time of the latest."""
    return ProductTicket.objects.select_related("feature", "customer").annotate(
        submissions=Count("feedback"), latest_at=Max("feedback__submitted_at")
    )


def _current_position(
    ticket: ProductTicket, as_of: date, parameters: ProductParameters
) -> rules.RoadmapPosition:
    """Return where a ticket stands on the roadmap; a closed one stays where it was."""
    if ticket.closed_at is not None:
        return rules.promised_position(promised=ticket.target_date)
    proposed = rules.roadmap_position(
        priority=rules.Priority(ticket.priority),
        planned=planned_quarters(feature=ticket.feature),
        as_of=as_of,
        parameters=parameters,
    )
    return rules.kept_position(promised=ticket.target_date, proposed=proposed, as_of=as_of)


def _status_explanation(
    ticket: Any,  # with what _counted_tickets() adds
    position: rules.RoadmapPosition,
    as_of: date,
) -> Explanation:
    in_backlog = "target_date is null: the ticket is in the backlog."
    return Explanation(
        rule_id=ROADMAP_RULE,
        rule_version=RULE_VERSION,
        inputs={
            "feature_id": ticket.feature.public_id,
            "as_of": as_of,
            "opened_at": ticket.opened_at,
            "latest_feedback_at": ticket.latest_at,
            "closed_at": ticket.closed_at,
            "target_date_given": ticket.target_date,
        },
        steps={"priority_score": ticket.priority_score, "position_basis": position.basis},
        reasons=(in_backlog,) if position.target_date is None else (),
    )
