"""The roadmap, as docs/rules/product.md states it; a reason stands in every row."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from product import rules
from product.rules import Priority, Quarter, RoadmapBasis, RoadmapPosition
from tests.product.rule_facts import TODAY


class TestRoadmap:
    @pytest.mark.parametrize(
        ("day", "priority", "label", "target", "reason"),
        [
            (date(2026, 5, 20), Priority.P0, "Q2_target", date(2026, 6, 30), "this quarter"),
            (date(2026, 2, 10), Priority.P1, "Q2_target", date(2026, 6, 30), "the next"),
            (date(2026, 5, 20), Priority.P2, "Q4_target", date(2026, 12, 31), "two ahead"),
            (date(2026, 5, 20), Priority.P3, "backlog", None, "no quarter"),
            (date(2026, 12, 31), Priority.P0, "Q4_target", date(2026, 12, 31), "the last day"),
            (date(2026, 12, 31), Priority.P1, "Q1_target", date(2027, 3, 31), "over the new year"),
            (date(2026, 12, 31), Priority.P2, "Q2_target", date(2027, 6, 30), "over the new year"),
            (date(2027, 1, 1), Priority.P0, "Q1_target", date(2027, 3, 31), "the first day"),
            (date(2026, 9, 30), Priority.P2, "Q1_target", date(2027, 3, 31), "from the third"),
            (date(2028, 2, 29), Priority.P1, "Q2_target", date(2028, 6, 30), "leap day"),
        ],
    )
    def test_without_a_roadmap_item_the_priority_gives_the_quarter(
        self, day: date, priority: Priority, label: str, target: date | None, reason: str
    ) -> None:
        found = rules.roadmap_position(priority=priority, planned=[], as_of=day)

        assert (found.label, found.target_date) == (label, target), reason
        assert found.basis is RoadmapBasis.PRIORITY

    @pytest.mark.parametrize(
        ("planned", "label", "basis", "reason"),
        [
            ([Quarter(2027, 2)], "Q2_target", RoadmapBasis.ROADMAP_ITEM, "planned for next year"),
            ([Quarter(2026, 2)], "Q2_target", RoadmapBasis.ROADMAP_ITEM, "planned for now"),
            (
                [Quarter(2027, 2), Quarter(2026, 4)],
                "Q4_target",
                RoadmapBasis.ROADMAP_ITEM,
                "the earliest of several",
            ),
            ([Quarter(2026, 1)], "Q3_target", RoadmapBasis.PRIORITY, "a missed quarter is no plan"),
            (
                [Quarter(2026, 1), Quarter(2026, 4)],
                "Q4_target",
                RoadmapBasis.ROADMAP_ITEM,
                "only the missed one is passed over",
            ),
        ],
    )
    def test_a_roadmap_item_decides_before_the_priority(
        self, planned: list[Quarter], label: str, basis: RoadmapBasis, reason: str
    ) -> None:
        found = rules.roadmap_position(priority=Priority.P1, planned=planned, as_of=TODAY)

        assert (found.label, found.basis) == (label, basis), reason

    @pytest.mark.parametrize(
        ("promised", "proposed", "quarter", "basis", "reason"),
        [
            (None, (2026, 3), (2026, 3), RoadmapBasis.PRIORITY, "nothing was promised"),
            ((2026, 2), (2026, 3), (2026, 2), RoadmapBasis.PROMISE, "evidence must not delay it"),
            ((2026, 4), (2026, 2), (2026, 2), RoadmapBasis.PRIORITY, "risen: earlier"),
            ((2026, 3), (2026, 3), (2026, 3), RoadmapBasis.PROMISE, "unchanged"),
            ((2026, 1), (2026, 3), (2026, 3), RoadmapBasis.PRIORITY, "the promise has passed"),
            ((2026, 3), None, (2026, 3), RoadmapBasis.PROMISE, "never back to the backlog"),
            ((2026, 1), None, None, RoadmapBasis.PRIORITY, "passed, and P3: the backlog"),
        ],
    )
    def test_a_promised_quarter_is_kept_or_moved_forward(
        self,
        promised: tuple[int, int] | None,
        proposed: tuple[int, int] | None,
        quarter: tuple[int, int] | None,
        basis: RoadmapBasis,
        reason: str,
    ) -> None:
        found = rules.kept_position(
            promised=Quarter(*promised).last_day if promised else None,
            proposed=RoadmapPosition(
                quarter=Quarter(*proposed) if proposed else None, basis=RoadmapBasis.PRIORITY
            ),
            as_of=TODAY,
        )

        assert found == RoadmapPosition(
            quarter=Quarter(*quarter) if quarter else None, basis=basis
        ), reason

    def test_a_roadmap_item_moves_even_a_promised_quarter(self) -> None:
        planned = RoadmapPosition(quarter=Quarter(2027, 1), basis=RoadmapBasis.ROADMAP_ITEM)

        found = rules.kept_position(promised=date(2026, 6, 30), proposed=planned, as_of=TODAY)

        assert found == planned

    @pytest.mark.parametrize(
        ("promised", "label"), [(date(2026, 3, 31), "Q1_target"), (None, "backlog")]
    )
    def test_a_closed_ticket_stays_where_it_was(self, promised: date | None, label: str) -> None:
        found = rules.promised_position(promised=promised)

        assert (found.label, found.target_date) == (label, promised)
        assert found.basis is RoadmapBasis.PROMISE

    @given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 40))
    def test_quarters_hold_their_days_and_count_on_without_gaps(
        self, day: date, ahead: int
    ) -> None:
        quarter = Quarter.of(day)

        assert quarter.last_day >= day
        assert Quarter.of(quarter.last_day) == quarter
        assert Quarter.of(quarter.last_day + timedelta(days=1)) == quarter.ahead(1)
        assert quarter.ahead(ahead).ahead(1) == quarter.ahead(ahead + 1)
        assert quarter.ahead(ahead) >= quarter

    @given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
    def test_a_more_urgent_ticket_is_never_later(self, day: date) -> None:
        targets = [
            rules.roadmap_position(priority=priority, planned=[], as_of=day).target_date
            for priority in Priority
        ]

        assert targets[-1] is None
        dates = [target for target in targets if target is not None]
        assert dates == sorted(dates)
        assert dates[0] >= day
