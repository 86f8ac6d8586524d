"""Reference data that every installation has: the price list and the milestone catalogue.

Source: subscription management page (plans, add-ons); onboarding summary and integration
maps (milestones).
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from cs_integrations.customers.models import Milestone, Plan

_SEAT_PRICE = Decimal(15)  # a month, for a user beyond the plan's
_WORKSPACE_PRICE = Decimal(20)  # a month, for a workspace beyond the plan's

# In the order in which a customer usually reaches them.
MILESTONE_PHASES: Mapping[str, str] = MappingProxyType(
    {
        "research_complete": Milestone.Phase.ONBOARDING,
        "kickoff_complete": Milestone.Phase.ONBOARDING,
        "success_plan_approved": Milestone.Phase.ONBOARDING,
        "implementation_complete": Milestone.Phase.ONBOARDING,
        "users_trained": Milestone.Phase.ONBOARDING,
        "first_value_achieved": Milestone.Phase.ONBOARDING,
        "user_adoption_reached": Milestone.Phase.ADOPTION,
        "adoption_complete": Milestone.Phase.ADOPTION,
        "advanced_adoption": Milestone.Phase.ADOPTION,
        "roi_demonstrated": Milestone.Phase.VALUE,
        "expansion_identified": Milestone.Phase.EXPANSION,
        "health_improvement": Milestone.Phase.VALUE,
        "renewal_achieved": Milestone.Phase.RENEWAL,
        "expansion_delivered": Milestone.Phase.EXPANSION,
        "reference_given": Milestone.Phase.ADVOCACY,
    }
)


def load_catalogue() -> None:
    """Write the plans and the milestones that are missing; leave what staff have changed."""
    Plan.objects.bulk_create(_plans(), ignore_conflicts=True)
    Milestone.objects.bulk_create(
        [Milestone(code=code, phase=phase) for code, phase in MILESTONE_PHASES.items()],
        ignore_conflicts=True,
    )


def _plans() -> list[Plan]:
    return [
        Plan(
            code="starter",
            name="Starter",
            rank=1,
            monthly_price=Decimal(49),
            mails_per_month=10_000,
            seats=2,
            workspaces=3,
            seat_price=_SEAT_PRICE,
            workspace_price=_WORKSPACE_PRICE,
        ),
        Plan(
            code="professional",
            name="Professional",
            rank=2,
            monthly_price=Decimal(149),
            mails_per_month=50_000,
            seats=5,
            workspaces=10,
            seat_price=_SEAT_PRICE,
            workspace_price=_WORKSPACE_PRICE,
        ),
        Plan(
            code="business",
            name="Business",
            rank=3,
            monthly_price=Decimal(399),
            mails_per_month=200_000,
            seats=15,
            seat_price=_SEAT_PRICE,  # workspaces are unlimited: none to buy
        ),
        # Price and limits are in each contract: nothing on the list to buy.
        Plan(code="enterprise", name="Enterprise", rank=4, monthly_price=Decimal(0)),
    ]
