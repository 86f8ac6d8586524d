"""Feedback and its tickets, as docs/rules/product.md states them; a reason stands in every row."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.customers.health import Zone
from product import rules
from product.rules import (
    EarlierFeedback,
    Priority,
    PriorityParts,
    TicketChoice,
    TicketMove,
    TicketPriority,
    Tier,
)

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)


class TestFeedbackPriority:
    @pytest.mark.parametrize(
        ("submission", "score", "priority", "reason"),
        [
            (
                (9, Tier.ENTERPRISE, 1, Zone.YELLOW),
                "74",
                Priority.P1,
                "the specification's example",
            ),
            ((10, Tier.ENTERPRISE, 10, Zone.RED), "100", Priority.P0, "the highest there is"),
            ((1, Tier.SMALL_BUSINESS, 1, Zone.GREEN), "24", Priority.P3, "the lowest there is"),
            ((9, Tier.ENTERPRISE, 2, Zone.YELLOW), "80", Priority.P1, "a second customer"),
            ((9, Tier.ENTERPRISE, 4, Zone.YELLOW), "86", Priority.P0, "a fourth customer"),
            ((8, Tier.MID_MARKET, 1, Zone.GREEN), "58", Priority.P2, "middle of the field"),
            ((9, Tier.MID_MARKET, 1, Zone.YELLOW), "68", Priority.P1, "a tier lower"),
            ((9, Tier.ENTERPRISE, 1, None), "75", Priority.P1, "no health: 60 of 80 points"),
        ],
    )
    def test_impact_tier_prevalence_and_risk_are_weighted_4_2_2_2(
        self,
        submission: tuple[int, Tier, int, Zone | None],
        score: str,
        priority: Priority,
        reason: str,
    ) -> None:
        impact, tier, reporters, zone = submission

        found = rules.feedback_priority(
            impact_score=impact, tier=tier, reporters=reporters, zone=zone
        )

        assert (found.score, found.priority) == (Decimal(score), priority), reason

    def test_the_parts_of_the_example_are_kept(self) -> None:
        found = rules.feedback_priority(
            impact_score=9, tier=Tier.ENTERPRISE, reporters=1, zone=Zone.YELLOW
        )

        assert found.parts == PriorityParts(
            impact=Decimal(90), tier=Decimal(100), prevalence=Decimal(20), risk=Decimal(70)
        )
        assert found.reasons == ()

    def test_a_customer_without_health_is_scored_on_the_other_parts_and_told_so(self) -> None:
        found = rules.feedback_priority(
            impact_score=9, tier=Tier.ENTERPRISE, reporters=1, zone=None
        )

        assert found.parts.risk is None
        assert "no computed health" in found.reasons[0]

    @pytest.mark.parametrize(
        ("reporters", "points"),
        [(0, 20), (1, 20), (2, 50), (3, 50), (4, 80), (9, 80), (10, 100), (1_000, 100)],
    )
    def test_prevalence_has_four_bands(self, reporters: int, points: int) -> None:
        assert rules.prevalence_points(reporters=reporters) == points

    @pytest.mark.parametrize(
        ("points", "priority"),
        [
            ("100", Priority.P0),
            ("85", Priority.P0),
            ("84.995", Priority.P0),  # rounds to 85.00, and the score and the word agree
            ("84.99", Priority.P1),
            ("65", Priority.P1),
            ("64.99", Priority.P2),
            ("45", Priority.P2),
            ("44.99", Priority.P3),
            ("0", Priority.P3),
        ],
    )
    def test_priorities_begin_at_85_65_and_45(self, points: str, priority: Priority) -> None:
        alike = Decimal(points)
        parts = PriorityParts(impact=alike, tier=alike, prevalence=alike, risk=alike)

        assert rules.priority_of(parts=parts).priority is priority

    @given(
        st.integers(1, 9),
        st.sampled_from(Tier),
        st.integers(1, 20),
        st.sampled_from([*Zone, None]),
    )
    def test_more_impact_or_more_reporters_never_lower_it(
        self, impact: int, tier: Tier, reporters: int, zone: Zone | None
    ) -> None:
        base = rules.feedback_priority(
            impact_score=impact, tier=tier, reporters=reporters, zone=zone
        )
        harder = rules.feedback_priority(
            impact_score=impact + 1, tier=tier, reporters=reporters, zone=zone
        )
        wider = rules.with_prevalence(parts=base.parts, reporters=reporters + 1)

        assert 0 <= base.score <= 100
        assert harder.score > base.score
        assert wider.score >= base.score
        assert harder.priority <= base.priority
        assert wider.priority <= base.priority

    @given(st.integers(1, 10), st.integers(1, 20))
    def test_worse_health_and_a_larger_tier_never_lower_it(
        self, impact: int, reporters: int
    ) -> None:
        by_zone, by_tier = (
            [
                rules.feedback_priority(
                    impact_score=impact, tier=tier, reporters=reporters, zone=zone
                ).score
                for tier, zone in cases
            ]
            for cases in (
                [(Tier.MID_MARKET, zone) for zone in (Zone.GREEN, Zone.YELLOW, Zone.RED)],
                [(tier, Zone.YELLOW) for tier in reversed(Tier)],
            )
        )

        assert by_zone == sorted(by_zone)
        assert by_tier == sorted(by_tier)

    @given(st.integers(1, 10), st.sampled_from(Tier), st.integers(1, 20), st.sampled_from(Zone))
    def test_a_siblings_new_prevalence_gives_what_scoring_it_afresh_would(
        self, impact: int, tier: Tier, reporters: int, zone: Zone
    ) -> None:
        alone = rules.feedback_priority(impact_score=impact, tier=tier, reporters=1, zone=zone)

        assert rules.with_prevalence(
            parts=alone.parts, reporters=reporters
        ) == rules.feedback_priority(impact_score=impact, tier=tier, reporters=reporters, zone=zone)


class TestTickets:
    LOW = TicketPriority(score=Decimal(40), priority=Priority.P3)
    HIGH = TicketPriority(score=Decimal(90), priority=Priority.P0)
    EXAMPLE = rules.feedback_priority(
        impact_score=9, tier=Tier.ENTERPRISE, reporters=1, zone=Zone.YELLOW
    )

    @pytest.mark.parametrize(
        ("current", "expected", "reason"),
        [
            (None, ("74", Priority.P1), "a new ticket takes its first submission's"),
            (LOW, ("74", Priority.P1), "it rises"),
            (HIGH, ("90", Priority.P0), "it never falls"),
        ],
    )
    def test_a_tickets_priority_only_rises(
        self, current: TicketPriority | None, expected: tuple[str, Priority], reason: str
    ) -> None:
        found = rules.ticket_priority(current=current, proposed=[self.EXAMPLE])

        assert (found.score, found.priority) == (Decimal(expected[0]), expected[1]), reason

    def test_the_most_urgent_submission_decides(self) -> None:
        lesser = rules.feedback_priority(
            impact_score=1, tier=Tier.ENTERPRISE, reporters=1, zone=Zone.YELLOW
        )

        found = rules.ticket_priority(current=None, proposed=[lesser, self.EXAMPLE, lesser])

        assert found == TicketPriority(score=Decimal(74), priority=Priority.P1)

    def test_a_ticket_without_any_standing_is_refused(self) -> None:
        with pytest.raises(ValueError, match="empty"):
            rules.ticket_priority(current=None, proposed=[])

    @pytest.mark.parametrize(
        ("age", "evidence", "open_ticket", "choice", "reason"),
        [
            (timedelta(0), "shot", 7, TicketMove.REPEAT, "sent twice at once"),
            (timedelta(hours=24), "shot", 7, TicketMove.REPEAT, "within 24 hours"),
            (timedelta(hours=24, seconds=1), "shot", 7, TicketMove.APPEND, "a day has passed"),
            (timedelta(hours=1), "Shot", 7, TicketMove.APPEND, "other evidence, even by case"),
            (timedelta(hours=1), "shot", None, TicketMove.REPEAT, "closed since, still a repeat"),
            (timedelta(hours=1), "log", None, TicketMove.OPEN, "closed: new evidence, new ticket"),
            (-timedelta(seconds=1), "shot", 7, TicketMove.REPEAT, "the other request came first"),
        ],
    )
    def test_a_submission_repeats_appends_or_opens(
        self,
        age: timedelta,
        evidence: str,
        open_ticket: int | None,
        choice: TicketMove,
        reason: str,
    ) -> None:
        earlier = EarlierFeedback(
            feedback_id=3, ticket_number=7, evidence="shot", submitted_at=NOON - age
        )

        found = rules.choose_ticket(
            evidence=evidence, at=NOON, earlier=[earlier], open_ticket=open_ticket
        )

        assert (
            found
            == {
                TicketMove.REPEAT: TicketChoice(
                    move=TicketMove.REPEAT, ticket_number=7, feedback_id=3
                ),
                TicketMove.APPEND: TicketChoice(move=TicketMove.APPEND, ticket_number=7),
                TicketMove.OPEN: TicketChoice(move=TicketMove.OPEN),
            }[choice]
        ), reason

    def test_the_first_submission_opens_a_ticket(self) -> None:
        found = rules.choose_ticket(evidence="shot", at=NOON, earlier=[], open_ticket=None)

        assert found == TicketChoice(move=TicketMove.OPEN)

    def test_of_several_repeats_the_latest_is_answered_again(self) -> None:
        earlier = [
            EarlierFeedback(
                feedback_id=number,
                ticket_number=number * 10,
                evidence="shot",
                submitted_at=NOON - timedelta(hours=10 - number),
            )
            for number in (1, 3, 2)
        ]

        found = rules.choose_ticket(evidence="shot", at=NOON, earlier=earlier, open_ticket=30)

        assert (found.ticket_number, found.feedback_id) == (30, 3)

    @pytest.mark.parametrize(
        ("text", "number", "reason"),
        [
            ("PROD-1234", 1234, "the specification's form"),
            ("PROD-1", 1, "the first ticket"),
            ("PROD-0", None, "numbers begin at 1"),
            ("PROD-01", None, "one way to write a number"),
            ("prod-1", None, "case matters"),
            ("PROD-", None, "no number"),
            ("PROD-12x", None, "not a number"),
            ("PROD-1\n", None, "nothing may follow"),
            ("PROD-\u0661", None, "only the digits 0 to 9"),
            ("PROD-" + "9" * 18, 10**18 - 1, "the longest number that always fits"),
            ("PROD-" + "9" * 19, None, "would not fit the database"),
        ],
    )
    def test_a_ticket_id_is_read_strictly(self, text: str, number: int | None, reason: str) -> None:
        assert rules.ticket_number(text) == number, reason

    @given(st.integers(1, 10**18 - 1))
    def test_a_written_ticket_id_is_read_back(self, number: int) -> None:
        assert rules.ticket_number(rules.ticket_id(number)) == number
