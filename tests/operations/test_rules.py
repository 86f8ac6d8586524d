"""Service levels and the life of an execution, as docs/rules/operations.md tells them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import duration
from operations import rules
from operations.rules import (
    Clock,
    ExecutionStatus,
    RepeatDecision,
    Segment,
    StepKind,
    StepState,
    StepStatus,
)

MONDAY_NOON = datetime(2025, 6, 16, 12, tzinfo=UTC)
TIERS = st.integers(1, 4)
SEGMENTS = st.sampled_from(Segment)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])


def scheduled(
    tier: int = 2,
    at: datetime = MONDAY_NOON,
    segment: Segment = Segment.ENTERPRISE,
    timezone: str = "UTC",
    promised: datetime | None = None,
) -> rules.TierSchedule:
    return rules.tier_schedule(
        tier=tier, at=at, segment=segment, timezone=timezone, promised=promised
    )


class TestServiceLevel:
    @pytest.mark.parametrize(
        ("tier", "text", "reason"),
        [
            (1, "24h", "automated"),
            (2, "4h", "the specification's sample"),
            (3, "1h", "leadership"),
            (4, "15m", "executive emergency"),
        ],
    )
    def test_each_tier_has_its_target(self, tier: int, text: str, reason: str) -> None:
        assert duration(rules.sla_target(tier=tier)) == text, reason

    @pytest.mark.parametrize("tier", [0, 5, -1])
    def test_there_are_four_tiers(self, tier: int) -> None:
        with pytest.raises(ValueError, match="no escalation tier"):
            rules.sla_target(tier=tier)

    @pytest.mark.parametrize(
        ("segment", "clock"),
        [
            (Segment.ENTERPRISE, Clock.ROUND_THE_CLOCK),
            (Segment.MID_MARKET, Clock.BUSINESS_HOURS),
            (Segment.SMALL_BUSINESS, Clock.ROUND_THE_CLOCK),
        ],
    )
    def test_each_segment_has_its_clock(self, segment: Segment, clock: Clock) -> None:
        assert rules.segment_clock(segment=segment) is clock

    @pytest.mark.parametrize(
        ("begin", "hours", "end", "reason"),
        [
            ("2025-06-16T10:00", 4, "2025-06-16T14:00", "inside one day"),
            ("2025-06-16T13:00", 4, "2025-06-16T17:00", "ends with the day"),
            ("2025-06-16T15:00", 4, "2025-06-17T11:00", "runs over into the next morning"),
            ("2025-06-16T03:00", 4, "2025-06-16T13:00", "begins before opening"),
            ("2025-06-16T17:00", 4, "2025-06-17T13:00", "begins at closing"),
            ("2025-06-20T16:00", 4, "2025-06-23T12:00", "runs over a weekend"),
            ("2025-06-21T12:00", 1, "2025-06-23T10:00", "begins on a Saturday"),
            ("2025-06-16T09:00", 24, "2025-06-18T17:00", "24 hours are three working days"),
            ("2025-03-28T16:00", 4, "2025-03-31T12:00", "clocks change on the weekend between"),
        ],
    )
    def test_business_hours_are_local_nine_to_five(
        self, begin: str, hours: int, end: str, reason: str
    ) -> None:
        berlin = ZoneInfo("Europe/Berlin")

        found = rules.deadline(
            at=datetime.fromisoformat(begin).replace(tzinfo=berlin),
            span=timedelta(hours=hours),
            segment=Segment.MID_MARKET,
            timezone="Europe/Berlin",
        )

        assert found.due_at == datetime.fromisoformat(end).replace(tzinfo=berlin), reason

    @pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc", "Europe", "a\0b"])
    def test_an_unknown_time_zone_is_read_as_utc_and_said(self, name: str) -> None:
        found = rules.deadline(
            at=MONDAY_NOON, span=timedelta(hours=6), segment=Segment.MID_MARKET, timezone=name
        )

        assert found.due_at == datetime(2025, 6, 17, 10, tzinfo=UTC)
        assert "unknown" in found.reasons[0]

    @given(at=MOMENTS, tier=TIERS, segment=SEGMENTS, timezone=ZONES)
    def test_nothing_is_due_before_its_target_has_passed(
        self, at: datetime, tier: int, segment: Segment, timezone: str
    ) -> None:
        found = scheduled(tier, at, segment, timezone)

        assert found.due_at >= at + found.sla_target
        assert found.escalates_at is None or at < found.escalates_at <= found.due_at

    @given(at=MOMENTS, later=st.timedeltas(timedelta(0), timedelta(days=9)), timezone=ZONES)
    def test_who_begins_later_is_due_no_earlier(
        self, at: datetime, later: timedelta, timezone: str
    ) -> None:
        begun = [scheduled(2, moment, Segment.MID_MARKET, timezone) for moment in (at, at + later)]

        assert begun[0].due_at <= begun[1].due_at

    def test_waiting_ends_at_four_fifths_of_the_target(self) -> None:
        assert scheduled(2).escalates_at == MONDAY_NOON + timedelta(hours=3, minutes=12)
        assert scheduled(4).escalates_at is None  # nobody stands above

    def test_escalating_never_buys_time(self) -> None:
        promised = MONDAY_NOON + timedelta(minutes=10)

        found = scheduled(3, promised=promised)

        assert found.due_at == promised
        assert "already promised" in found.reasons[0]

    @pytest.mark.parametrize(
        ("finished", "now", "overdue", "reason"),
        [
            (None, 0, False, "the due time itself still counts"),
            (None, 1, True, "a second late"),
            (0, 99, False, "finished in time, seen later"),
            (1, 99, True, "finished late"),
        ],
    )
    def test_overdue(self, finished: int | None, now: int, overdue: bool, reason: str) -> None:
        moment = [MONDAY_NOON + timedelta(seconds=n) for n in range(100)]
        finished_at = None if finished is None else moment[finished]
        late = rules.is_overdue(due_at=MONDAY_NOON, finished_at=finished_at, at=moment[now])

        assert late is overdue, reason


AUTO, HUMAN = StepKind.AUTO, StepKind.HUMAN


def steps(*states: tuple[StepKind, StepStatus]) -> list[StepState]:
    return [StepState(kind=kind, status=status) for kind, status in states]


class TestExecution:
    @pytest.mark.parametrize(
        ("active", "asked", "requested", "decision", "reason"),
        [
            (None, None, 1, RepeatDecision.START, "nothing is active"),
            (2, 2, 2, RepeatDecision.REUSE, "the same again"),
            (2, 2, 3, RepeatDecision.ESCALATE, "higher than it is"),
            (2, 2, 1, RepeatDecision.REFUSE, "lower than was asked for"),
            (3, 2, 2, RepeatDecision.REUSE, "the same again, raised by waiting since"),
            (4, 2, 3, RepeatDecision.REUSE, "waiting raised it past this"),
            (4, 3, 2, RepeatDecision.REFUSE, "somebody asked for more"),
        ],
    )
    def test_a_repeated_request(
        self,
        active: int | None,
        asked: int | None,
        requested: int,
        decision: RepeatDecision,
        reason: str,
    ) -> None:
        found = rules.repeat_decision(
            active_tier=active, asked_tier=asked, requested_tier=requested
        )

        assert found is decision, reason

    def test_twenty_run_at_a_time(self) -> None:
        assert rules.has_free_slot(running=19)
        assert not rules.has_free_slot(running=20)

    @pytest.mark.parametrize(
        ("states", "admitted", "assigned", "status", "reason"),
        [
            ("ap hp", True, True, "in_progress", "assigned and a step open"),
            ("ad ho", True, True, "in_progress", "a person works on it"),
            ("ap hp", True, False, "in_progress", "automation needs nobody"),
            ("ad hp", True, False, "awaiting_human", "begun, nobody for the next step"),
            ("hp ap", True, False, "queued", "not begun, nobody for the first step"),
            ("ap hp", False, True, "queued", "too many run"),
            ("ad hd", True, True, "completed", "all steps done"),
            ("", True, False, "completed", "a workflow without steps has nothing to do"),
            ("ad af hp", True, True, "failed", "a step failed for good"),
        ],
    )
    def test_the_status_follows_from_the_steps(
        self, states: str, admitted: bool, assigned: bool, status: str, reason: str
    ) -> None:
        kinds = {"a": AUTO, "h": HUMAN}
        stands = {status.value[0]: status for status in StepStatus}

        found = rules.execution_state(
            steps=steps(*((kinds[word[0]], stands[word[1]]) for word in states.split())),
            is_admitted=admitted,
            has_assignee=assigned,
        )

        assert found.status == status, reason
        assert found.status in rules.FINISHED_STATUSES or found.next_index is not None
        assert bool(found.reasons) is (status not in {"in_progress", "completed"})

    def test_every_status_is_active_or_finished(self) -> None:
        assert set(ExecutionStatus) == rules.ACTIVE_STATUSES | rules.FINISHED_STATUSES
        assert not rules.ACTIVE_STATUSES & rules.FINISHED_STATUSES
        assert rules.ACTIVE_STATUSES >= rules.RUNNING_STATUSES | rules.WAITING_STATUSES

    def test_a_failed_step_is_tried_again_after_1_2_and_4_seconds(self) -> None:
        waits = [rules.retry_delay(failures=n) for n in (1, 2, 3)]

        assert waits == [timedelta(seconds=n) for n in (1, 2, 4)]
        assert rules.retry_delay(failures=4) is None

    def test_no_retry_waits_longer_than_a_minute(self) -> None:
        patient = replace(rules.PARAMETERS, retry_limit=10)

        assert rules.retry_delay(failures=10, parameters=patient) == timedelta(seconds=60)

    def test_tier_1_is_no_escalation(self) -> None:
        assert [rules.opens_escalation(tier=tier) for tier in (1, 2, 3)] == [False, True, True]


def risen(
    minutes: int, status: ExecutionStatus = ExecutionStatus.QUEUED, tier: int = 2
) -> tuple[rules.TierSchedule, ...]:
    return rules.due_escalations(
        status=status,
        current=scheduled(tier),
        segment=Segment.ENTERPRISE,
        timezone="UTC",
        at=MONDAY_NOON + timedelta(minutes=minutes),
    )


class TestWaiting:
    @pytest.mark.parametrize(
        ("minutes", "tiers", "reason"),
        [
            (191, [], "under 80% of 4h"),
            (192, [3], "80% of 4h"),
            (239, [3], "under 80% of the next hour"),
            (240, [3, 4], "80% of the next hour"),
            (9999, [3, 4], "nobody stands above tier 4"),
        ],
    )
    def test_who_waits_rises_at_80_percent(
        self, minutes: int, tiers: list[int], reason: str
    ) -> None:
        found = risen(minutes)

        assert [level.tier for level in found] == tiers, reason
        assert all(level.due_at <= scheduled(2).due_at for level in found)

    @pytest.mark.parametrize("status", [ExecutionStatus.IN_PROGRESS, ExecutionStatus.COMPLETED])
    def test_who_does_not_wait_does_not_rise(self, status: ExecutionStatus) -> None:
        assert risen(9999, status=status) == ()

    @given(first=st.integers(0, 3000), more=st.integers(0, 3000), tier=TIERS)
    def test_looking_twice_changes_nothing(self, first: int, more: int, tier: int) -> None:
        once = risen(first + more, tier=tier)

        assert once[: len(risen(first, tier=tier))] == risen(first, tier=tier)
