"""What the demo's campaigns are: kind, sequences, begin and size. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from cs_integrations.customers.health import Zone
from marketing.rules import PARAMETERS, CampaignKind, RevenueKind, SequenceCode

JOINING_DAYS = 3  # everybody is enrolled in a campaign's first days
MAIL_DAYS = (0, 7, 14, 21)  # of a sequence: two campaigns at once keep to the weekly cap
NAMED_CUSTOMER = "cust_123"  # of the specification's trigger: no history moves its answer

_RETENTION = {
    Zone.GREEN: SequenceCode.RENEWAL_PREP,
    Zone.YELLOW: SequenceCode.RETENTION_RECOVERY,
    Zone.RED: SequenceCode.CRITICAL_RESCUE,
}
# Nobody finished onboarding_nurture in the yellow zone: the estimate there is the prior alone.
_ONBOARDING = {
    Zone.GREEN: SequenceCode.ONBOARDING_NURTURE,
    Zone.YELLOW: SequenceCode.ADOPTION_ACCELERATION,
}
_EXPANSION = {
    Zone.GREEN: SequenceCode.EXPANSION_NURTURE,
    Zone.YELLOW: SequenceCode.FEATURE_ADOPTION_BOOST,
}
_ADVOCACY = {
    Zone.GREEN: SequenceCode.ADVOCACY_INVITE,
    Zone.YELLOW: SequenceCode.MILESTONE_CELEBRATION,
}
_BOOST = dict.fromkeys(Zone, SequenceCode.FEATURE_ADOPTION_BOOST)


@dataclass(frozen=True, slots=True)
class Run:
    """A campaign; each participant gets the sequence of the zone it is in."""

    public_id: str
    kind: CampaignKind
    sequences: Mapping[Zone, SequenceCode]  # who is in no zone of these does not take part
    days_ago: int  # since its begin
    size: int  # participants, fewer where the zones hold fewer

    @property
    def is_young(self) -> bool:
        """Whether it is too young for health to have been measured after it."""
        return self.days_ago < PARAMETERS.measure_after_days


# Runs of the same sequence are so far apart that one has ended before the next begins.
NAMED_RUN = Run("camp_123", CampaignKind.LIFECYCLE, _BOOST, 312, 24)
OTHER_RUNS = (
    Run("camp_101", CampaignKind.RETENTION, _RETENTION, 314, 26),
    Run("camp_102", CampaignKind.RETENTION, _RETENTION, 281, 28),
    Run("camp_103", CampaignKind.EXPANSION, _EXPANSION, 272, 22),
    Run("camp_104", CampaignKind.LIFECYCLE, _ONBOARDING, 255, 24),
    Run("camp_105", CampaignKind.RETENTION, _RETENTION, 248, 25),
    Run("camp_106", CampaignKind.EXPANSION, _EXPANSION, 236, 21),
    Run("camp_107", CampaignKind.ADVOCACY, _ADVOCACY, 225, 20),
    Run("camp_108", CampaignKind.RETENTION, _RETENTION, 215, 27),
    Run("camp_109", CampaignKind.RETENTION, _RETENTION, 12, 24),
    Run("camp_110", CampaignKind.LIFECYCLE, _ONBOARDING, 14, 20),
)
WINBACK_ID = "camp_111"
WINBACKS = (  # full months after a customer left
    (0, SequenceCode.WINBACK_RECENT),
    (PARAMETERS.winback_mid_from, SequenceCode.WINBACK_MID),
    (PARAMETERS.winback_long_from, SequenceCode.WINBACK_LONG),
)


@dataclass(frozen=True, slots=True)
class Sale:
    """Growth of a participant of the named campaign."""

    kind: RevenueKind
    amount: int  # US dollars
    is_cs_driven: bool
    days_after: int  # the campaign's begin
    cs_touches: int  # in the weeks before
    all_touches: int


# 60% of 5,000 and 30% of 7,500 are 5,250: 42% of 12,500.
NAMED_SALES = (
    Sale(RevenueKind.EXPANSION, 5_000, True, 12, 4, 6),
    Sale(RevenueKind.UPSELL, 4_500, False, 16, 3, 10),
    Sale(RevenueKind.CROSS_SELL, 3_000, False, 20, 3, 10),
)
