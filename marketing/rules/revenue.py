"""What a campaign earned and how much of it customer success may claim.

Source: spec, Campaign Performance API; ITP T4.1 (60% of a CS-driven expansion); MK linear
multi-touch; docs/rules/marketing.md, "Revenue impact" and "Attribution to CS".
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from cs_integrations.customers.health import Zone, renewal_probability, zone
from marketing.rules.parameters import PARAMETERS, MarketingParameters


class RevenueKind(StrEnum):
    """Kinds of closed-won revenue."""

    EXPANSION = "expansion"
    UPSELL = "upsell"
    CROSS_SELL = "cross_sell"
    RENEWAL = "renewal"


class ShareBasis(StrEnum):
    """Where a revenue event's CS share comes from."""

    CS_DRIVEN = "cs_driven"
    TOUCHPOINTS = "touchpoints"
    NO_TOUCHPOINTS = "no_touchpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """An enrollment that may claim revenue."""

    enrollment_id: int
    campaign_id: int
    customer_id: int
    started_at: datetime
    health_at_start: Decimal  # 0 to 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueFact:
    """A closed-won revenue event, with the touchpoints of the window before its close."""

    revenue_id: int
    customer_id: int
    kind: RevenueKind
    amount: Decimal  # US dollars, above 0
    closed_at: datetime
    is_cs_driven: bool
    is_refunded: bool
    cs_touches: int  # touchpoints of customer success
    all_touches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueClaim:
    """The part of a revenue event that one enrollment claims."""

    revenue_id: int
    enrollment_id: int
    amount: Decimal  # the event's amount divided among all enrollments that claim it
    weight: Decimal  # 0 to 1
    cs_share: Decimal  # 0 to 1
    basis: ShareBasis

    @property
    def weighted_amount(self) -> Decimal:
        """Return the dollars this claim adds to the campaign."""
        return self.amount * self.weight


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueMeasure:
    """The money of one campaign."""

    claims: tuple[RevenueClaim, ...]
    revenue_impact: Decimal  # US dollars
    cs_amount: Decimal  # US dollars
    attribution_pct: Decimal  # 0 to 100; 0 without revenue
    reasons: tuple[str, ...]


def measure_revenue(
    *,
    campaign_id: int,
    revenues: Iterable[RevenueFact],
    enrollments: Iterable[Enrolled],
    parameters: MarketingParameters = PARAMETERS,
) -> RevenueMeasure:
    """Return what a campaign earned and the share of customer success in it.

    ``enrollments`` are those of every campaign that could claim one of ``revenues``: an event
    is divided equally among the enrollments that claim it, so nothing is counted twice.
    A refunded event adds nothing.
    """
    candidates: defaultdict[int, list[Enrolled]] = defaultdict(list)
    for item in enrollments:
        candidates[item.customer_id].append(item)
    claims: list[RevenueClaim] = []
    reasons: list[str] = []
    for revenue in revenues:
        claimants = claiming_enrollments(
            revenue=revenue,
            enrollments=candidates.get(revenue.customer_id, ()),
            parameters=parameters,
        )
        own = [item for item in claimants if item.campaign_id == campaign_id]
        if own and revenue.is_refunded:
            reasons.append(f"Revenue event {revenue.revenue_id} was refunded and is left out.")
            continue
        if len(own) < len(claimants):
            reasons.append(
                f"Revenue event {revenue.revenue_id} is divided among {len(claimants)} "
                f"enrollments, {len(own)} of them in this campaign."
            )
        claims += [_claim(revenue, item, len(claimants), parameters) for item in own]
    impact = sum((claim.weighted_amount for claim in claims), Decimal(0))
    cs_amount = sum((claim.weighted_amount * claim.cs_share for claim in claims), Decimal(0))
    if not claims:
        reasons.append("No revenue closed in the window after an enrollment.")
    return RevenueMeasure(
        claims=tuple(claims),
        revenue_impact=impact,
        cs_amount=cs_amount,
        attribution_pct=100 * cs_amount / impact if impact else Decimal(0),
        reasons=tuple(reasons),
    )


def claiming_enrollments(
    *,
    revenue: RevenueFact,
    enrollments: Iterable[Enrolled],
    parameters: MarketingParameters = PARAMETERS,
) -> tuple[Enrolled, ...]:
    """Return the enrollments of the event's customer that may claim it.

    The event must close after the enrollment and at most ``revenue_days`` later. A renewal is
    claimed only where it was in doubt: yellow or red at enrollment.
    """
    window = timedelta(days=parameters.revenue_days)
    return tuple(
        item
        for item in enrollments
        if item.customer_id == revenue.customer_id
        and item.started_at < revenue.closed_at <= item.started_at + window
        and not (revenue.kind is RevenueKind.RENEWAL and zone(item.health_at_start) is Zone.GREEN)
    )


def revenue_weight(
    *,
    kind: RevenueKind,
    health_at_start: Decimal,
    parameters: MarketingParameters = PARAMETERS,
) -> Decimal:
    """Return the part of an event that counts, 0 to 1.

    New money counts in full; a renewal counts with the probability that it would have been
    lost, read from the renewal curve at the health of the enrollment.
    """
    if kind is RevenueKind.RENEWAL:
        return 1 - renewal_probability(health_at_start)
    return parameters.growth_weight


def cs_share(
    *,
    is_cs_driven: bool,
    cs_touches: int,
    all_touches: int,
    parameters: MarketingParameters = PARAMETERS,
) -> tuple[Decimal, ShareBasis]:
    """Return the share of customer success in a revenue event, 0 to 1, and its basis.

    A CS-driven event has the agreed share (ITP T4.1: 6,000 of 10,000); any other has the
    share of CS among its touchpoints (MK, linear multi-touch), and without a touchpoint
    the share of its source, which is none.
    """
    if is_cs_driven:
        return parameters.cs_driven_share, ShareBasis.CS_DRIVEN
    if all_touches == 0:
        return parameters.untouched_share, ShareBasis.NO_TOUCHPOINTS
    return Decimal(cs_touches) / Decimal(all_touches), ShareBasis.TOUCHPOINTS


def _claim(
    revenue: RevenueFact, enrolled: Enrolled, claimants: int, parameters: MarketingParameters
) -> RevenueClaim:
    share, basis = cs_share(
        is_cs_driven=revenue.is_cs_driven,
        cs_touches=revenue.cs_touches,
        all_touches=revenue.all_touches,
        parameters=parameters,
    )
    return RevenueClaim(
        revenue_id=revenue.revenue_id,
        enrollment_id=enrolled.enrollment_id,
        amount=revenue.amount / claimants,
        weight=revenue_weight(
            kind=revenue.kind, health_at_start=enrolled.health_at_start, parameters=parameters
        ),
        cs_share=share,
        basis=basis,
    )
