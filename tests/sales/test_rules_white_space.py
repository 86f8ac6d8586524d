"""White space, as docs/rules/sales.md states it. No database."""

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import annualized
from sales import rules
from sales.rules import FitRule, ItemKind
from tests.sales.rule_facts import MAIL, TODAY, use

MONEY = st.decimals(min_value=0, max_value=10**7, places=2)

BUSINESS = rules.SubscriptionFacts(
    monthly_price=Decimal(149),
    next_tier_price=Decimal(399),
    seat_price=Decimal(15),
    seats=5,
    plan_seats=5,
    eligible_users=9,
    workspace_price=Decimal(20),
    workspaces=10,
    plan_workspaces=10,
    business_units=12,
)
DEDICATED_IP = rules.OpenItem(
    name="dedicated_ip",
    kind=ItemKind.ADD_ON,
    monthly_value=Decimal(50),
    fit_rule=FitRule.MAIL_VOLUME_OVER_LIMIT,
    is_owned=False,
)
QUOTE = replace(
    DEDICATED_IP, kind=ItemKind.QUOTED, monthly_value=Decimal(12_500), fit_rule=FitRule.ALWAYS
)
AT_LIMIT = rules.limit_uses(uses=[use(10, 100, 100, MAIL)], subscribed_seats=5, as_of=TODAY)
OVER = rules.limit_uses(
    uses=[use(10, 101, 100, MAIL), use(10, 5, 5)], subscribed_seats=5, as_of=TODAY
)


def open_value(
    *,
    segment: str = "mid_market",
    subscription: rules.SubscriptionFacts | None = BUSINESS,
    items: Collection[rules.OpenItem] = (),
    limits: Collection[rules.LimitUse] = (),
) -> rules.WhiteSpace:
    return rules.open_white_space(
        segment=segment, subscription=subscription, items=items, limits=limits
    )


def test_the_demo_account_has_quoted_items_of_150k_a_year() -> None:
    quotes = [
        replace(QUOTE, monthly_value=Decimal(7_500)),
        replace(QUOTE, monthly_value=Decimal(5_000)),
    ]
    found = open_value(segment="enterprise", items=quotes)

    assert annualized(found.total) == "$150k_annualized"


def test_list_prices_add_up_over_tier_seats_workspaces_and_fitting_items() -> None:
    found = open_value(items=[DEDICATED_IP], limits=OVER)

    assert [found.tier, found.seats, found.workspaces] == [3_000, 720, 480]
    assert found.items == (("dedicated_ip", Decimal(600)),)
    assert annualized(found.total) == "$4.8k_annualized"


@pytest.mark.parametrize(
    ("changes", "total"),
    [
        pytest.param({}, 4_200, id="tier, seats and workspaces"),
        pytest.param({"next_tier_price": None}, 1_200, id="top tier"),
        pytest.param({"next_tier_price": Decimal(99)}, 1_200, id="pays more than the next tier"),
        pytest.param({"eligible_users": 3}, 3_480, id="more seats than people"),
        pytest.param({"plan_seats": None}, 3_480, id="seats are unlimited"),
        pytest.param({"business_units": 1}, 3_720, id="more workspaces than units"),
        pytest.param({"plan_workspaces": None}, 3_720, id="workspaces are unlimited"),
    ],
)
def test_nothing_open_is_ever_negative(changes: dict[str, Any], total: int) -> None:
    assert open_value(subscription=replace(BUSINESS, **changes)).total == total


@pytest.mark.parametrize(
    ("segment", "item", "limits", "counts"),
    [
        pytest.param("mid_market", DEDICATED_IP, OVER, True, id="over the limit"),
        pytest.param("mid_market", DEDICATED_IP, AT_LIMIT, False, id="at the limit, not over"),
        pytest.param("mid_market", DEDICATED_IP, (), False, id="use not known"),
        pytest.param("mid_market", replace(DEDICATED_IP, is_owned=True), OVER, False, id="owned"),
        pytest.param(
            "mid_market",
            replace(DEDICATED_IP, fit_rule=FitRule.SEATS_IN_FULL_USE),
            OVER,
            True,
            id="all seats in use",
        ),
        pytest.param("mid_market", QUOTE, OVER, False, id="quotes are for enterprise"),
        pytest.param("enterprise", QUOTE, (), True, id="a quoted item"),
        pytest.param("enterprise", DEDICATED_IP, OVER, False, id="no list prices for enterprise"),
        pytest.param("enterprise", replace(QUOTE, is_owned=True), (), False, id="bought already"),
    ],
)
def test_an_item_counts_when_it_is_open_and_fits(
    segment: str, item: rules.OpenItem, limits: Collection[rules.LimitUse], counts: bool
) -> None:
    assert bool(open_value(segment=segment, items=[item], limits=limits).items) is counts


@pytest.mark.parametrize("segment", ["enterprise", "small_business"])
def test_without_a_plan_there_is_no_white_space(segment: str) -> None:
    found = open_value(segment=segment, subscription=None, items=[QUOTE, DEDICATED_IP], limits=OVER)

    assert annualized(found.total) == "$0_annualized"
    assert found.reasons


@given(MONEY, MONEY, st.integers(0, 999), st.integers(0, 999))
def test_white_space_is_never_negative_and_grows_with_the_people(
    price: Decimal, step: Decimal, seats: int, people: int
) -> None:
    has = replace(BUSINESS, monthly_price=price, next_tier_price=step, seats=seats)
    fewer = open_value(subscription=replace(has, eligible_users=people))
    more = open_value(subscription=replace(has, eligible_users=people + 1))

    assert 0 <= fewer.total <= more.total
