"""Customers and dates that the tests of the marketing rules share."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st

from cs_integrations.customers.health import risk_category
from marketing.rules import HealthFall, ReachedMilestone, TriggerFacts

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
STEADY = HealthFall()
ADOPTED = ReachedMilestone("adoption_complete", "adoption")
KICKED_OFF = ReachedMilestone("kickoff_complete", "onboarding")
RENEWED = ReachedMilestone("renewal_achieved", "renewal")
EXPANDED = ReachedMilestone("expansion_delivered", "expansion")
PROVED = ReachedMilestone("roi_demonstrated", "value")

scores = st.decimals(min_value=0, max_value=100, places=2)


def facts(score, **changes):
    """A customer of this score about whom nothing else is known; category from the score."""
    known = {"category": risk_category(Decimal(score)), "fall": STEADY} | changes
    return TriggerFacts(health_score=Decimal(score), **known)
