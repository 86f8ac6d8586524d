"""The capacity forecast, as docs/rules/operations.md tells it."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import percent
from cs_integrations.customers.health import Zone
from operations import rules
from operations.rules import (
    Account,
    CapacityForecast,
    ExpectedWin,
    HiringTrigger,
    Period,
    Segment,
    StaffMember,
)

SEGMENTS = st.sampled_from(Segment)
TODAY = date(2025, 6, 16)
QUARTER = rules.forecast_period(word="next_90d", as_of=TODAY)
HIRED = date(2020, 1, 1)
SENIOR = StaffMember(code="s", active_from=HIRED, skill_levels={"enterprise_complexity": 5})
TEAM = (SENIOR, *(StaffMember(code=code, active_from=HIRED) for code in ("m", "c")))
SKILLS = ("deliverability", "enterprise_complexity")
WINS = [
    ExpectedWin(segment=segment, close_probability=Decimal(probability))
    for segment, probability in [
        (Segment.ENTERPRISE, "0.9"),
        (Segment.MID_MARKET, "0.5"),
        (Segment.SMALL_BUSINESS, "0.5"),
        (Segment.SMALL_BUSINESS, "0.5"),
    ]
]
COUNTS = {  # green, yellow, red
    Segment.ENTERPRISE: (3, 3, 2),
    Segment.MID_MARKET: (9, 6, 4),
    Segment.SMALL_BUSINESS: (8, 6, 4),
}


def account(
    segment: Segment = Segment.MID_MARKET,
    zone: Zone | None = Zone.GREEN,
    complexity: Decimal = Decimal(1),
) -> Account:
    shares = {"enterprise_complexity": Decimal(1)} if segment is Segment.ENTERPRISE else {}
    return Account(segment=segment, zone=zone, skill_shares=shares, complexity=complexity)


PORTFOLIO = [
    account(segment, zone)
    for segment, counts in COUNTS.items()
    for zone, count in zip(Zone, counts, strict=True)
    for _ in range(count)
]


def forecast(
    accounts: Collection[Account] = PORTFOLIO,
    wins: Collection[ExpectedWin] = WINS,
    staff: Collection[StaffMember] = TEAM,
    period: Period = QUARTER,
) -> CapacityForecast:
    return rules.capacity_forecast(
        accounts=accounts, wins=wins, staff=staff, skills=SKILLS, period=period
    )


def shown(pct: Decimal | None) -> str | None:
    return None if pct is None else percent(pct)


class TestCapacity:
    def test_the_portfolio_of_45_gives_the_specifications_sample(self) -> None:
        found = forecast()

        assert found.demand_hours / 3 == Decimal("271.52")  # 255.52 a month and 16 to onboard
        assert found.supply_hours / 3 == Decimal("331.2")
        assert shown(found.utilization_pct) == "82%"
        assert found.skill_gaps == ("enterprise_complexity",)
        assert shown(found.pools[0].utilization_pct) == "122%"
        assert found.hiring_trigger == "urgent"

    def test_an_account_without_health_counts_as_green_and_is_told(self) -> None:
        found = forecast([*PORTFOLIO, account(Segment.SMALL_BUSINESS, None)])

        assert shown(found.utilization_pct) == "82%"
        assert found.reasons[0].endswith("factor 1.0: 1.")

    @pytest.mark.parametrize(
        ("segment", "zone", "complexity", "hours"),
        [
            (Segment.ENTERPRISE, Zone.GREEN, "1", "12"),
            (Segment.ENTERPRISE, Zone.RED, "1.5", "36"),
            (Segment.MID_MARKET, Zone.YELLOW, "1", "5.6"),
            (Segment.SMALL_BUSINESS, None, "1", "0.8"),
        ],
    )
    def test_account_hours(
        self, segment: Segment, zone: Zone | None, complexity: str, hours: str
    ) -> None:
        found = rules.account_hours(account=account(segment, zone, complexity=Decimal(complexity)))
        assert found == Decimal(hours)

    @pytest.mark.parametrize(
        ("word", "days"),
        [("next_30d", 30), ("next_60d", 60), ("next_90d", 90), ("next_180d", 180)],
    )
    def test_a_period_has_its_days_and_begins_today(self, word: str, days: int) -> None:
        found = rules.forecast_period(word=word, as_of=date(2024, 2, 29))

        assert (found.start, found.days) == (date(2024, 2, 29), days)

    @pytest.mark.parametrize(
        "word", ["next_45d", "next_90", "NEXT_90D", "next_90d\n", "next_\u0669\u0660d", ""]
    )
    def test_no_other_period(self, word: str) -> None:
        with pytest.raises(ValueError, match="no forecast period"):
            rules.forecast_period(word=word, as_of=TODAY)

    @pytest.mark.parametrize(
        ("change", "hours", "reason"),
        [
            ({}, "331.2", "120 hours a month less 8%"),
            ({"fte": Decimal("0.5")}, "165.6", "half time"),
            ({"productive_hours": Decimal(100)}, "276", "own hours"),
            ({"active_to": TODAY + timedelta(days=29)}, "110.4", "leaves after 30 days"),
            ({"active_from": TODAY + timedelta(days=60)}, "110.4", "joins for the last 30"),
            ({"active_to": TODAY - timedelta(days=1)}, "0", "left yesterday"),
            ({"active_from": QUARTER.end + timedelta(days=1)}, "0", "joins after the period"),
            ({"absences": ((TODAY, TODAY + timedelta(days=4)),)}, "331.2", "5 days are planned"),
            ({"absences": ((HIRED, TODAY + timedelta(days=44)),)}, "180", "away for half of it"),
            (
                {"absences": ((TODAY, TODAY + timedelta(days=44)), (TODAY, TODAY))},
                "180",
                "a day is away once",
            ),
        ],
    )
    def test_staff_hours(self, change: dict[str, Any], hours: str, reason: str) -> None:
        found = rules.staff_hours(member=replace(SENIOR, **change), period=QUARTER)
        assert found == Decimal(hours), reason

    def test_no_staff_means_no_utilization_every_skill_lacks_and_hiring_is_urgent(self) -> None:
        found = forecast(staff=())

        assert found.utilization_pct is None
        assert found.skill_gaps == SKILLS
        assert found.hiring_trigger is HiringTrigger.URGENT

    @pytest.mark.parametrize("staff", [TEAM, ()])
    def test_no_accounts_means_nothing_is_demanded(self, staff: tuple[StaffMember, ...]) -> None:
        found = forecast(accounts=[], staff=staff)

        assert found.utilization_pct == 0
        assert found.skill_gaps == ()
        assert found.hiring_trigger is None

    def test_a_skill_nobody_masters_is_a_gap_and_urgent(self) -> None:
        found = forecast([account(Segment.ENTERPRISE)], staff=TEAM[1:])

        assert found.pools[0].utilization_pct is None
        assert found.skill_gaps == ("enterprise_complexity",)
        assert found.hiring_trigger is HiringTrigger.URGENT

    @pytest.mark.parametrize(
        ("pct", "gap", "trigger", "reason"),
        [
            ("79.99", False, None, "room to spare"),
            ("80", False, "monitor", "from 80%"),
            ("85", False, "planned", "from 85%; a pool at 85% is at its optimum"),
            ("85.01", True, "planned", "above the optimum"),
            ("95", True, "urgent", "from 95%"),
        ],
    )
    def test_gaps_and_triggers_by_threshold(
        self, pct: str, gap: bool, trigger: str | None, reason: str
    ) -> None:
        hours = Decimal("110.4") * Decimal(pct) / 100
        one = account(Segment.ENTERPRISE, complexity=hours / 12)
        month = rules.forecast_period(word="next_30d", as_of=TODAY)

        found = forecast([one], wins=[], staff=[SENIOR], period=month)

        assert found.hiring_trigger == trigger, reason
        assert bool(found.skill_gaps) is gap

    @given(
        st.lists(st.builds(account, SEGMENTS, st.sampled_from([*Zone, None])), max_size=9),
        st.builds(account, SEGMENTS, st.sampled_from([*Zone, None])),
        st.integers(1, 3),
    )
    def test_one_more_account_never_lightens_the_load(
        self, accounts: list[Account], added: Account, staffed: int
    ) -> None:
        severity = [None, *reversed(HiringTrigger)]
        before, after = (
            forecast(portfolio, wins=[], staff=TEAM[:staffed])
            for portfolio in (accounts, [*accounts, added])
        )

        assert before.utilization_pct is not None
        assert after.utilization_pct is not None
        assert 0 <= before.utilization_pct < after.utilization_pct
        assert set(before.skill_gaps) <= set(after.skill_gaps)
        assert severity.index(before.hiring_trigger) <= severity.index(after.hiring_trigger)

    @given(st.permutations(PORTFOLIO), st.permutations(TEAM))
    def test_the_order_of_the_facts_does_not_matter(
        self, accounts: list[Account], staff: list[StaffMember]
    ) -> None:
        assert forecast(accounts, staff=staff) == forecast()

    @given(start=st.dates(date(2020, 1, 1), date(2030, 1, 1)), days=st.integers(1, 400))
    def test_hours_are_bounded_by_a_full_team(self, start: date, days: int) -> None:
        period = Period(start=start, end=start + timedelta(days=days - 1))
        assert 0 < rules.staff_hours(member=SENIOR, period=period) <= Decimal(4 * days)
