"""What a customer could buy and does not, in US dollars a year. Pure.

Source: spec, Expansion Opportunity API; the sales integration map names white space without
defining it. docs/rules/sales.md, heading sales.expansion.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sales.rules.capacity import LimitUse, UsageMetric
from sales.rules.parameters import PARAMETERS, SalesParameters

_MONTHS_A_YEAR = 12


class ItemKind(StrEnum):
    """Where the price of an open item comes from."""

    QUOTED = "quoted"  # offered to this account
    ADD_ON = "add_on"  # price list
    PRODUCT = "product"  # price list


class FitRule(StrEnum):
    """When an item would be of use to the customer."""

    ALWAYS = "always"
    MAIL_VOLUME_OVER_LIMIT = "mail_volume_over_limit"
    SEATS_IN_FULL_USE = "seats_in_full_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """Something on offer; prices are US dollars a month."""

    name: str
    kind: ItemKind
    monthly_value: Decimal
    fit_rule: FitRule
    is_owned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFacts:
    """What the customer has bought; prices are US dollars a month, None limits unlimited."""

    monthly_price: Decimal
    next_tier_price: Decimal | None  # None: top tier, or priced by contract only
    seat_price: Decimal
    seats: int
    plan_seats: int | None
    eligible_users: int  # people who could use a seat
    workspace_price: Decimal
    workspaces: int
    plan_workspaces: int | None
    business_units: int  # units that could use a workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class WhiteSpace:
    """The open yearly value and its parts, all US dollars a year and never negative."""

    tier: Decimal = Decimal(0)
    seats: Decimal = Decimal(0)
    workspaces: Decimal = Decimal(0)
    items: tuple[tuple[str, Decimal], ...] = ()  # name and yearly value of each that fits
    reasons: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        parts = self.tier + self.seats + self.workspaces
        return parts + sum((value for _, value in self.items), Decimal(0))


def open_white_space(
    *,
    segment: str,
    subscription: SubscriptionFacts | None,
    items: Collection[OpenItem],
    limits: Collection[LimitUse],
    parameters: SalesParameters = PARAMETERS,
) -> WhiteSpace:
    """Return what the customer could buy more, at twelve times the monthly prices.

    Accounts of the quoted segment: the quoted items they do not own. All others: the step to
    the next tier, missing seats and workspaces, and the listed items they do not own and that
    fit. Zero without a running subscription.
    """
    if subscription is None:
        reasons = ("Without a running subscription there is nothing to expand.",)
        return WhiteSpace(reasons=reasons)
    is_quoted = segment == parameters.quoted_segment
    open_items = tuple(
        (item.name, item.monthly_value * _MONTHS_A_YEAR)
        for item in items
        if not item.is_owned
        and (item.kind is ItemKind.QUOTED) == is_quoted
        and fits(rule=item.fit_rule, limits=limits)
    )
    if is_quoted:
        reasons = ("The account has quoted prices: only quoted items count.",)
        return WhiteSpace(items=open_items, reasons=reasons)
    has_next = subscription.next_tier_price is not None
    return WhiteSpace(
        tier=_tier_step(subscription),
        seats=_missing_seats(subscription),
        workspaces=_missing_workspaces(subscription),
        items=open_items,
        reasons=() if has_next else ("No higher tier has a list price.",),
    )


def fits(*, rule: FitRule, limits: Collection[LimitUse]) -> bool:
    """Say whether an item is of use, by the newest full month; unknown use fits nothing."""
    if rule is FitRule.ALWAYS:
        return True
    by_metric = {limit.metric: limit for limit in limits}
    if rule is FitRule.MAIL_VOLUME_OVER_LIMIT:
        mails = by_metric.get(UsageMetric.MAIL_VOLUME)
        return mails is not None and mails.used > mails.limit
    seats = by_metric.get(UsageMetric.SEATS)
    return seats is not None and seats.used >= seats.limit


def _tier_step(subscription: SubscriptionFacts) -> Decimal:
    if subscription.next_tier_price is None:
        return Decimal(0)
    step = subscription.next_tier_price - subscription.monthly_price
    return max(Decimal(0), step) * _MONTHS_A_YEAR


def _missing_seats(subscription: SubscriptionFacts) -> Decimal:
    if subscription.plan_seats is None:
        return Decimal(0)
    missing = max(0, subscription.eligible_users - subscription.seats)
    return subscription.seat_price * missing * _MONTHS_A_YEAR


def _missing_workspaces(subscription: SubscriptionFacts) -> Decimal:
    if subscription.plan_workspaces is None:
        return Decimal(0)
    missing = max(0, subscription.business_units - subscription.workspaces)
    return subscription.workspace_price * missing * _MONTHS_A_YEAR
