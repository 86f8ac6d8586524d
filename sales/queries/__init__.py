"""What sales reads: deals and their handoff, and what speaks for an expansion."""

from sales.queries.expansion import expansion, expansion_readiness
from sales.queries.handoff import (
    HandoffReading,
    completed_handoff,
    customers_of,
    expected_deals,
    handoff_outcome,
    known_deals,
    read_handoff,
    repeated_outcome,
)
from sales.queries.status import handoff_status

__all__ = [
    "HandoffReading",
    "completed_handoff",
    "customers_of",
    "expansion",
    "expansion_readiness",
    "expected_deals",
    "handoff_outcome",
    "handoff_status",
    "known_deals",
    "read_handoff",
    "repeated_outcome",
]
