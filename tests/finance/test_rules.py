"""Value realization, read as a specification: docs/rules/finance.md."""

import dataclasses
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import percent
from cs_integrations.parameters import DOC, PROPOSED, describe
from finance import rules

D = Decimal
Pairs = Sequence[tuple[int, int]]  # committed and delivered values
YEAR = rules.ContractTerm(start_date=date(2025, 1, 1), end_date=date(2025, 12, 31))
DURING = date(2025, 7, 1)
AFTER = date(2026, 3, 15)


def commitment(
    committed: int,
    delivered: int,
    *,
    accrual: str = "milestone",
    due: date = date(2025, 6, 1),
    outcome: str = "a",
) -> rules.CommitmentFact:
    return rules.CommitmentFact(
        outcome=outcome,
        accrual=rules.Accrual(accrual),
        start_date=date(2025, 1, 1),
        due_date=due,
        committed_value=D(committed),
        delivered_value=D(delivered),
    )


def delivery(
    *commitments: rules.CommitmentFact, as_of: date = DURING, term: rules.ContractTerm = YEAR
) -> rules.DeliveryStanding:
    return rules.delivery_vs_commit(term=term, commitments=commitments, as_of=as_of)


def use(slug: str, used: int | str) -> rules.UseFact:
    return rules.UseFact(feature_slug=slug, used=D(used), contracted=D(100))


# --- parameters ------------------------------------------------------------------------------


def test_every_constant_names_its_unit_source_and_standing() -> None:
    notes = describe(rules.PARAMETERS)
    assert len(notes) == len(dataclasses.fields(rules.FinanceParameters))
    assert all(note.unit and note.source and note.standing in {DOC, PROPOSED} for note in notes)


def test_parameters_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        rules.PARAMETERS.gaps_listed = 11


# --- contract term ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "expected", "why"),
    [
        (date(2025, 7, 1), date(2025, 6, 1), "the month before, on the first of a month"),
        (date(2025, 7, 31), date(2025, 6, 1), "a month is full only when its last day is over"),
        (date(2025, 1, 31), None, "no month has been full yet"),
        (date(2025, 2, 1), date(2025, 1, 1), "the contract's first full month"),
        (date(2026, 9, 9), date(2025, 12, 1), "an ended contract keeps its own last month"),
        (date(2024, 12, 31), None, "not started"),
    ],
)
def test_use_is_measured_over_the_last_full_month_of_the_contract(
    as_of: date, expected: date | None, why: str
) -> None:
    assert rules.use_month(term=YEAR, as_of=as_of) == expected, why


def test_a_month_that_the_contract_only_touches_is_not_its_own() -> None:
    term = rules.ContractTerm(start_date=date(2024, 1, 15), end_date=date(2024, 2, 28))
    assert rules.use_month(term=term, as_of=date(2024, 2, 20)) is None
    assert rules.use_month(term=term, as_of=date(2024, 3, 20)) is None, "29 February is not in it"


def test_a_contract_cut_short_ends_on_the_day_it_was_closed() -> None:
    term = dataclasses.replace(YEAR, closed_date=date(2025, 4, 30))
    assert term.last_day == date(2025, 4, 30)
    assert term.has_ended(as_of=date(2025, 5, 1))
    assert not term.has_ended(as_of=date(2025, 4, 30))
    assert rules.use_month(term=term, as_of=AFTER) == date(2025, 4, 1)


def test_closing_after_the_end_changes_nothing() -> None:
    assert dataclasses.replace(YEAR, closed_date=AFTER).last_day == YEAR.end_date


# --- delivery --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("commitments", "expected", "why"),
    [
        ([(60_000, 66_000), (40_000, 36_000)], "102%", "the specification's sample"),
        ([(150_000, 180_000)], "120%", "the documented example"),
        ([(100_000, 70_000)], "70%", "before the milestone of T4.2"),
        ([(100_000, 85_000)], "85%", "T4.2: 70,000 and a milestone of 15,000"),
        ([(100, 0)], "0%", "due and nothing delivered"),
        ([(100, 150)], "150%", "exactly at the cap"),
        ([(100, 1_000), (100, 0)], "75%", "one outcome cannot hide another: 150 of 200"),
        ([(100, -20)], "0%", "corrections never make a delivery negative"),
    ],
)
def test_delivery_is_delivered_over_committed_value_that_is_due(
    commitments: Pairs, expected: str, why: str
) -> None:
    result = delivery(*(commitment(*pair) for pair in commitments))
    assert percent(result.percentage) == expected, why


def test_what_is_above_the_cap_is_named() -> None:
    result = delivery(commitment(100, 1_000, outcome="Fewer bounces"))
    assert result.reasons == (
        "Fewer bounces: $850 delivered above 150% of what is due does not count.",
    )


def test_a_milestone_reached_before_its_due_date_counts_at_once() -> None:
    overall = commitment(85_000, 70_000)
    before = delivery(overall, commitment(15_000, 0, due=date(2025, 11, 1)))
    after = delivery(overall, commitment(15_000, 15_000, due=date(2025, 11, 1)))
    assert (percent(before.percentage), percent(after.percentage)) == ("82%", "85%")


def test_a_milestone_reached_in_part_waits_for_its_due_date() -> None:
    result = delivery(commitment(100, 100), commitment(100, 50, due=date(2025, 11, 1)))
    assert result.percentage == 100
    assert len(result.reasons) == 1, "the early part is left out and named"


@pytest.mark.parametrize(
    ("as_of", "expected", "why"),
    [
        (date(2025, 1, 1), 0, "nothing is due on the first day"),
        (date(2025, 1, 2), 1, "a day's part"),
        (date(2025, 2, 20), 50, "half the time"),
        (date(2025, 4, 11), 100, "the due date"),
        (date(2025, 12, 1), 100, "never more than was committed"),
        (date(2024, 6, 1), 0, "before the start"),
    ],
)
def test_a_linear_commitment_falls_due_day_by_day(as_of: date, expected: int, why: str) -> None:
    fact = commitment(100, 0, accrual="linear", due=date(2025, 4, 11))
    assert rules.accrued_value(commitment=fact, as_of=as_of) == expected, why


def test_a_linear_commitment_of_one_day_is_due_on_it() -> None:
    fact = commitment(100, 0, accrual="linear", due=date(2025, 1, 1))
    assert rules.accrued_value(commitment=fact, as_of=date(2025, 1, 1)) == 100


def test_the_cap_of_a_linear_commitment_grows_with_what_is_due() -> None:
    fact = commitment(100, 100, accrual="linear", due=date(2025, 4, 11))
    result = delivery(fact, as_of=date(2025, 2, 20))
    assert (result.due_value, result.counted_value) == (50, 75)


@pytest.mark.parametrize(
    ("commitments", "as_of", "reason"),
    [
        ((), DURING, "No commitment is due yet."),
        (((100, 0),), date(2025, 2, 1), "No commitment is due yet."),
        (((100, 50),), date(2024, 12, 31), "The contract starts on 2025-01-01"),
    ],
)
def test_without_anything_due_there_is_no_percentage_but_a_reason(
    commitments: Pairs, as_of: date, reason: str
) -> None:
    result = delivery(*(commitment(*pair) for pair in commitments), as_of=as_of)
    assert result.percentage is None
    assert result.reasons[0].startswith(reason)


def test_a_superseded_contract_answers_for_what_fell_due_in_its_own_time() -> None:
    term = dataclasses.replace(YEAR, closed_date=date(2025, 4, 30))
    late = commitment(900, 0, due=date(2025, 6, 1))
    result = delivery(commitment(100, 90, due=date(2025, 3, 1)), late, term=term, as_of=AFTER)
    assert result.percentage == 90


amounts = st.decimals(min_value=1, max_value=10**9, places=2)
facts = st.builds(
    rules.CommitmentFact,
    outcome=st.just("a"),
    accrual=st.sampled_from(rules.Accrual),
    start_date=st.dates(date(2025, 1, 1), date(2025, 3, 1)),
    due_date=st.dates(date(2025, 3, 1), date(2025, 12, 31)),
    committed_value=amounts,
    delivered_value=st.decimals(min_value=-1000, max_value=10**9, places=2),
)


@given(st.lists(facts, max_size=6), st.dates(date(2024, 6, 1), date(2026, 6, 1)))
def test_delivery_stays_between_zero_and_the_cap(
    commitments: list[rules.CommitmentFact], as_of: date
) -> None:
    result = delivery(*commitments, as_of=as_of)
    assert result.percentage is None or 0 <= result.percentage <= 150
    assert (result.percentage is None) <= bool(result.reasons)


@given(st.lists(facts, min_size=1, max_size=6), amounts)
def test_delivering_more_of_what_is_due_never_lowers_the_percentage(
    commitments: list[rules.CommitmentFact], more: Decimal
) -> None:
    first, *rest = commitments
    grown = dataclasses.replace(first, delivered_value=first.delivered_value + more)
    assert delivery(grown, *rest, as_of=AFTER).percentage >= (
        delivery(first, *rest, as_of=AFTER).percentage
    )


@given(facts, st.dates(date(2025, 1, 1), date(2025, 12, 30)))
def test_what_is_due_never_shrinks_with_time(fact: rules.CommitmentFact, day: date) -> None:
    later = rules.accrued_value(commitment=fact, as_of=day + timedelta(days=1))
    assert 0 <= rules.accrued_value(commitment=fact, as_of=day) <= later <= fact.committed_value


# --- utilization gaps ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uses", "expected", "why"),
    [
        ([use("feature_x", 45)], ["feature_x_45%"], "the specification's sample: level reached"),
        ([use("feature_x", 60)], [], "60% is enough"),
        ([use("feature_x", "59.4")], ["feature_x_59%"], "under 60%"),
        ([use("feature_x", "59.9")], ["feature_x_60%"], "decided before it is rounded"),
        ([use("feature_x", 0)], ["feature_x_0%"], "not used at all"),
        ([use("b", 30), use("c", 20), use("a", 30)], ["c_20%", "a_30%", "b_30%"], "worst first"),
        ([use("feature_x", 250)], [], "more than was bought is no gap"),
        ([], [], "nothing has a contracted quantity"),
    ],
)
def test_features_used_under_60_percent_are_gaps(
    uses: list[rules.UseFact], expected: list[str], why: str
) -> None:
    assert [gap.code for gap in rules.utilization_gaps(uses=uses).gaps] == expected, why


def test_at_most_ten_gaps_are_listed_and_the_rest_is_counted() -> None:
    result = rules.utilization_gaps(uses=[use(f"f{number:02}", number) for number in range(13)])
    assert [gap.feature_slug for gap in result.gaps] == [f"f{number:02}" for number in range(10)]
    assert result.reasons == ("3 more gaps are not listed.",)
    assert result.features_measured == 13


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 200)), max_size=20))
def test_gaps_are_ascending_and_under_the_threshold(pairs: list[tuple[str, int]]) -> None:
    levels = [
        gap.utilization_pct
        for gap in rules.utilization_gaps(uses=[use(slug, used) for slug, used in pairs]).gaps
    ]
    assert levels == sorted(levels)
    assert all(level < 60 for level in levels)
    assert len(levels) <= 10


# --- value realization, together -------------------------------------------------------------


def realization(
    as_of: date = DURING,
    term: rules.ContractTerm = YEAR,
    commitments: Pairs = ((60_000, 66_000), (40_000, 36_000)),
) -> rules.ValueRealization:
    contract = rules.ContractFacts(
        term=term,
        commitments=[commitment(*pair) for pair in commitments],
        uses=[use("feature_x", 45)],
        costs=[rules.CostFact(month=date(2025, 1, 1), hours=D(10))],
    )
    return rules.value_realization(facts=contract, as_of=as_of)


def test_a_contract_under_way_has_delivery_gaps_and_return() -> None:
    result = realization()
    assert percent(result.delivery.percentage) == "102%"
    assert [gap.code for gap in result.utilization.gaps] == ["feature_x_45%"]
    assert result.roi.text == "0.0x_projected"
    assert result.reasons == ()


@pytest.mark.parametrize(
    ("as_of", "commitments", "why"),
    [
        (date(2024, 12, 31), ((100, 100),), "not started"),
        (DURING, (), "nothing is due"),
    ],
)
def test_while_nothing_is_due_no_gap_is_named(as_of: date, commitments: Pairs, why: str) -> None:
    result = realization(as_of=as_of, commitments=commitments)
    assert result.delivery.percentage is None, why
    assert result.utilization.gaps == ()
    assert "No gap is named while nothing is due." in result.reasons


def test_before_the_first_full_month_no_gap_is_named() -> None:
    term = rules.ContractTerm(start_date=date(2025, 6, 2), end_date=date(2026, 6, 1))
    result = realization(term=term)
    assert result.utilization.gaps == ()
    assert "The contract has not run for a full month yet." in result.reasons
