"""What product writes, inside the request's transaction."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from cs_integrations.customers.health import zone
from cs_integrations.customers.models import Customer
from cs_integrations.customers.queries import known_customers, latest_health
from cs_integrations.explanation import Outcome
from cs_integrations.lookup import find_in_body
from product import rules
from product.models import Feature, Feedback, ProductTicket
from product.queries import (
    feedback_outcome,
    feedback_since,
    open_tickets,
    other_reporters,
    planned_quarters,
)
from product.rules import PARAMETERS, ProductParameters


def submit_feedback(
    *,
    customer_id: str,
    feature_id: str,
    submission: rules.Submission,
    at: datetime,
    parameters: ProductParameters = PARAMETERS,
) -> Outcome:
    """Store a customer's feedback and open or strengthen the ticket that answers it.

    The same evidence within the repeat window answers the stored submission again. One more
    reporting customer may raise the feature's other open tickets too.

    :raises InvalidMember: there is no such customer or feature
    """
    customer = find_in_body(known_customers(), customer_id, pointer="/customer_id")
    # The row lock puts the submissions for one feature in an order, so that each counts the
    # others. Rows that only refer to the feature, such as its daily use, need not wait for it.
    feature = find_in_body(
        Feature.objects.select_for_update(no_key=True), feature_id, pointer="/feature_id"
    )
    report = _Report(
        customer=customer, feature=feature, submission=submission, at=at, parameters=parameters
    )
    # Locked as well: staff may be closing one.
    open_now = open_tickets().filter(feature=feature).select_for_update(no_key=True)
    tickets = open_now.prefetch_related("feedback")
    own = tickets.filter(customer=customer).first()
    repeated = _repeated(report, own)
    if repeated is not None:
        return feedback_outcome(feedback=repeated, replayed=True)
    scored = _score(report)
    outlook = _Outlook(planned=planned_quarters(feature=feature), at=at, parameters=parameters)
    feedback = _store(report, own, scored, outlook)
    _raise_tickets(tickets.exclude(customer=customer), scored.reporters, outlook)
    return feedback_outcome(feedback=feedback)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """A submission with the objects that it names."""

    customer: Customer
    feature: Feature
    submission: rules.Submission
    at: datetime
    parameters: ProductParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scored:
    """A submission's priority and the facts that it was made from."""

    priority: rules.FeedbackPriority
    reporters: int  # distinct customers in the prevalence window, this one included
    health_score: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outlook:
    """What decides where the tickets of one feature stand on the roadmap."""

    planned: Collection[rules.Quarter]
    at: datetime
    parameters: ProductParameters

    def position(self, priority: rules.Priority, promised: date | None) -> rules.RoadmapPosition:
        """Return the position of a ticket that was given the date ``promised`` before."""
        as_of = self.at.date()
        proposed = rules.roadmap_position(
            priority=priority, planned=self.planned, as_of=as_of, parameters=self.parameters
        )
        return rules.kept_position(promised=promised, proposed=proposed, as_of=as_of)


def _repeated(report: _Report, own: ProductTicket | None) -> Feedback | None:
    """Return the stored submission that a report repeats, None where it says something new."""
    window = timedelta(hours=report.parameters.repeat_window_hours)
    earlier = feedback_since(
        customer=report.customer, feature=report.feature, since=report.at - window
    )
    choice = rules.choose_ticket(
        evidence=report.submission.evidence,
        at=report.at,
        earlier=[
            rules.EarlierFeedback(
                feedback_id=row.pk,
                ticket_number=row.ticket_id,
                evidence=row.evidence,
                submitted_at=row.submitted_at,
            )
            for row in earlier
        ],
        open_ticket=None if own is None else own.number,
        parameters=report.parameters,
    )
    return next((row for row in earlier if row.pk == choice.feedback_id), None)


def _score(report: _Report) -> _Scored:
    customer, parameters = report.customer, report.parameters
    since = report.at - timedelta(days=parameters.prevalence_window_days)
    others = other_reporters(customer=customer, feature=report.feature, since=since)
    reading = latest_health(customer_ids=[customer.pk], on=report.at.date()).get(customer.pk)
    priority = rules.feedback_priority(
        impact_score=report.submission.impact_score,
        tier=rules.Tier(customer.segment),
        reporters=1 + others,
        zone=None if reading is None else zone(reading.score),
        parameters=parameters,
    )
    return _Scored(
        priority=priority,
        reporters=1 + others,
        health_score=None if reading is None else reading.score,
    )


def _store(
    report: _Report, own: ProductTicket | None, scored: _Scored, outlook: _Outlook
) -> Feedback:
    customer, feature, submission = report.customer, report.feature, report.submission
    ticket = own or ProductTicket(customer=customer, feature=feature, opened_at=report.at)
    position = _raise_ticket(ticket, [scored.priority], scored.reporters, outlook)
    ticket.save()
    parts = scored.priority.parts
    return Feedback.objects.create(
        customer=customer,
        feature=feature,
        ticket=ticket,
        impact_score=submission.impact_score,
        evidence=submission.evidence,
        kind=submission.kind,
        category=submission.category,
        description=submission.description,
        segment=customer.segment,
        reporters=scored.reporters,
        health_score=scored.health_score,
        impact_points=parts.impact,
        tier_points=parts.tier,
        prevalence_points=parts.prevalence,
        risk_points=parts.risk,
        priority_score=scored.priority.score,
        answered_priority=ticket.priority,
        answered_score=ticket.priority_score,
        answered_position=position.label,
        answered_basis=position.basis.value,
        reasons=_reasons(scored.priority, rules.Priority(ticket.priority)),
        submitted_at=report.at,
    )


def _raise_tickets(tickets: Iterable[ProductTicket], reporters: int, outlook: _Outlook) -> None:
    """Raise the other customers' tickets as far as the wider prevalence takes them."""
    risen = []
    for ticket in tickets:
        before = ticket.priority_score
        _raise_ticket(ticket, [], reporters, outlook)
        if ticket.priority_score > before:
            risen.append(ticket)
    ProductTicket.objects.bulk_update(
        risen, ["priority", "priority_score", "target_date", "changed_at"]
    )


def _raise_ticket(
    ticket: ProductTicket,
    added: Collection[rules.FeedbackPriority],
    reporters: int,
    outlook: _Outlook,
) -> rules.RoadmapPosition:
    """Put an unsaved ticket or an open one where all its feedback takes it, unsaved."""
    known = [] if ticket.pk is None else list(ticket.feedback.all())
    standing = rules.ticket_priority(
        current=_standing(ticket),
        proposed=[
            *added,
            *(
                rules.with_prevalence(
                    parts=_parts(row), reporters=reporters, parameters=outlook.parameters
                )
                for row in known
            ),
        ],
    )
    position = outlook.position(standing.priority, ticket.target_date)
    ticket.priority = standing.priority.value
    ticket.priority_score = standing.score
    ticket.target_date = position.target_date
    ticket.changed_at = outlook.at
    return position


def _standing(ticket: ProductTicket) -> rules.TicketPriority | None:
    if ticket.pk is None:
        return None
    return rules.TicketPriority(
        score=ticket.priority_score, priority=rules.Priority(ticket.priority)
    )


def _parts(feedback: Feedback) -> rules.PriorityParts:
    return rules.PriorityParts(
        impact=feedback.impact_points,
        tier=feedback.tier_points,
        prevalence=feedback.prevalence_points,
        risk=feedback.risk_points,
    )


def _reasons(scored: rules.FeedbackPriority, answered: rules.Priority) -> list[str]:
    reasons = list(scored.reasons)
    if answered != scored.priority:
        reasons.append(
            f"This submission alone is {scored.priority}; earlier feedback on its ticket"
            f" makes it {answered}."
        )
    return reasons
