"""What product reads. Nothing here writes or decides."""

from product.queries.adoption import adoption
from product.queries.feedback import (
    feedback_outcome,
    feedback_since,
    open_tickets,
    other_reporters,
    planned_quarters,
    ticket_status,
)
from product.queries.offered import contracted_uses, customers_of, weak_core_features

__all__ = [
    "adoption",
    "contracted_uses",
    "customers_of",
    "feedback_outcome",
    "feedback_since",
    "open_tickets",
    "other_reporters",
    "planned_quarters",
    "ticket_status",
    "weak_core_features",
]
