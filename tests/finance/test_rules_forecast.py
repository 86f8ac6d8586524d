"""Forecast adjustment, read as a specification: docs/rules/finance.md."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import money
from finance import rules

D = Decimal


def submission(
    p: str | Decimal = "0.94",
    low: str | Decimal = "0.88",
    high: str | Decimal = "0.97",
    scenarios: dict[str, str] | None = None,
    *,
    evidence: str = "",
    period: str = "",
) -> rules.Submission:
    return rules.Submission(
        probability=D(p),
        interval_low=D(low),
        interval_high=D(high),
        scenarios={"expansion": "$75k"} if scenarios is None else scenarios,
        evidence=evidence,
        period=period,
    )


def forecast(
    submitted: rules.Submission | None = None,
    *,
    score: int | str | None = "88",
    earlier: str | None = None,
    readiness: int | None = 92,
) -> rules.Forecast:
    health = None
    if score is not None:
        health = rules.HealthFact(
            score=D(score), earlier_score=None if earlier is None else D(earlier)
        )
    return rules.adjust_forecast(
        submission=submitted or submission(),
        health=health,
        annual_value=D(100_000),
        readiness=None if readiness is None else D(readiness),
    )


# --- forecast --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "expected", "why"),
    [
        ("45", "0.278", "T2.2"),
        ("60", "0.601", "the lowest yellow"),
        ("75", "0.855", "the specification's trigger score"),
        ("85", "0.936", "documented sample .92"),
        ("88", "0.950", "documented sample .95"),
        ("92", "0.965", "green"),
    ],
)
def test_the_model_follows_health(score: str, expected: str, why: str) -> None:
    model = rules.model_probability(health=rules.HealthFact(score=D(score)))
    assert round(model, 3) == D(expected), why


@given(st.integers(0, 100))
def test_a_red_45_renews_with_less_than_30_percent_whatever_the_trend(earlier: int) -> None:
    health = rules.HealthFact(score=D(45), earlier_score=D(earlier))
    assert rules.model_probability(health=health) < D("0.30")


@pytest.mark.parametrize(
    ("score", "earlier", "as_if", "why"),
    [
        ("84", "72", "87", "12 points up in 90 days count as 3"),
        ("76", "88", "73", "12 points down count as 3 down"),
        ("76", "20", "81", "at most 5 up"),
        ("62", "99", "57", "at most 5 down"),
        ("55", "35", "55", "in the red zone a rise does not count"),
        ("55", "63", "53", "in the red zone a fall counts"),
    ],
)
def test_the_trend_moves_the_model(score: str, earlier: str, as_if: str, why: str) -> None:
    health = rules.HealthFact(score=D(score), earlier_score=D(earlier))
    steady = rules.HealthFact(score=D(as_if))
    assert rules.model_probability(health=health) == rules.model_probability(health=steady), why


@pytest.mark.parametrize(
    ("submitted", "score", "expected", "why"),
    [
        (("0.94", "0.88", "0.97"), "88", "0.94", "the specification's sample"),
        (("0.5", "0", "1"), "88", "0.89", "a wide interval gives way to the model"),
        (("0.8", "0.8", "0.8"), "88", "0.80", "a point weighs as 0.01"),
        (("0.8", "0.79", "0.81"), "88", "0.80", "tighter than 0.01 weighs as 0.01"),
        (("0", "0", "0"), "88", "0.01", "certain of no renewal"),
        (("1", "1", "1"), "45", "0.99", "certain of renewal"),
    ],
)
def test_submitted_and_model_are_weighed_by_inverse_variance(
    submitted: tuple[str, str, str], score: str, expected: str, why: str
) -> None:
    assert forecast(submission(*submitted), score=score).shown_probability == D(expected), why


def test_without_health_the_submitted_value_stands() -> None:
    result = forecast(submission("0.1", "0", "1"), score=None)
    assert result.model_probability is None
    assert result.blended_probability == D("0.1")
    assert result.status is rules.ForecastStatus.ACCEPTED, "there is no model to differ from"
    assert result.reasons == (
        "The customer has no computed health, so the submitted value stands.",
    )


@pytest.mark.parametrize(
    ("p", "evidence", "expected", "why"),
    [
        ("0.94", "", "accepted", "close to the model's .95"),
        ("0.71", "", "accepted", "within .25"),
        ("0.69", "", "needs_review", "more than .25 away"),
        ("0.69", "Signed letter of intent", "accepted", "with evidence"),
        ("0.69", "  ", "needs_review", "blanks are no evidence"),
    ],
)
def test_a_far_off_submission_without_evidence_needs_review(
    p: str, evidence: str, expected: str, why: str
) -> None:
    result = forecast(submission(p, "0", "1", evidence=evidence))
    assert result.status == expected, why
    assert (expected == "needs_review") == any("no evidence" in text for text in result.reasons)


def test_a_difference_of_exactly_a_quarter_needs_no_review() -> None:
    model = forecast().model_probability
    assert forecast(submission(model - D("0.25"), "0", "1")).status == "accepted"


@pytest.mark.parametrize(
    ("scenarios", "readiness", "expected", "why"),
    [
        ({"expansion": "$75k"}, 92, "$81,050", "50,000 and 75,000 * .92 * .45"),
        ({"expansion": "$75k"}, 0, "$50,000", "not ready to expand"),
        ({"expansion": "$75k"}, None, None, "readiness unknown: no value is made up"),
        ({"expansion": "$0"}, None, "$50,000", "nothing to value"),
        ({}, None, "$50,000", "no scenario"),
        ({"contraction": "$9k", "churn": "$1m"}, 92, "$50,000", "only positive ones add"),
        ({"flat_renewal": "$100k"}, 92, "$50,000", "the base forecast already says so"),
    ],
)
def test_risk_adjusted_value_is_renewal_and_likely_expansion(
    scenarios: dict[str, str], readiness: int | None, expected: str | None, why: str
) -> None:
    submitted = submission("0.5", "0", "1", scenarios)
    result = forecast(submitted, score=None, readiness=readiness)
    value = result.risk_adjusted_value
    assert (None if value is None else money(value)) == expected, why
    assert (value is None) == any("readiness is unknown" in text for text in result.reasons)


def test_money_uses_the_unrounded_probability() -> None:
    result = forecast(submission(scenarios={}))
    assert result.blended_probability != result.shown_probability
    assert result.risk_adjusted_value == result.blended_probability * 100_000


def test_a_short_health_history_is_named() -> None:
    assert forecast().reasons == ("No computed health is 90 days old, so no trend is assumed.",)
    assert forecast(earlier="88").reasons == ()


@pytest.mark.parametrize(
    ("interval", "ordered", "why"),
    [
        (("0.94", "0.88", "0.97"), True, "the specification's sample"),
        (("0", "0", "1"), True, "the bounds belong to it"),
        (("0.9", "0.9", "0.9"), True, "a point"),
        (("0.5", "0.6", "0.7"), False, "the probability lies below"),
        (("0.8", "0.6", "0.7"), False, "the probability lies above"),
        (("0.65", "0.7", "0.6"), False, "turned round"),
        (("0.5", "-0.1", "0.7"), False, "below 0"),
        (("0.5", "0.4", "1.1"), False, "above 1"),
    ],
)
def test_the_interval_must_hold_the_probability(
    interval: tuple[str, str, str], ordered: bool, why: str
) -> None:
    p, low, high = map(D, interval)
    assert rules.interval_is_ordered(probability=p, low=low, high=high) is ordered, why


def test_scenarios_are_read_as_money() -> None:
    scenarios = {"expansion": "$75k", "churn": "$1,250.50", "flat_renewal": "$2M"}
    assert rules.parse_scenarios(scenarios=scenarios) == {
        rules.Scenario.EXPANSION: 75_000,
        rules.Scenario.CHURN: D("1250.50"),
        rules.Scenario.FLAT_RENEWAL: 2_000_000,
    }


@pytest.mark.parametrize(
    ("name", "text", "rule", "why"),
    [
        ("upsell", "$75k", "unknown_member", "not one of the four names"),
        ("expansion", "75k", "money", "no dollar sign"),
        ("expansion", "-$75k", "money", "amounts carry no sign"),
        ("expansion", "$7,5", "money", "thousands are three digits"),
        ("expansion", "$1001m", "range", "above a billion"),
    ],
)
def test_an_unreadable_scenario_is_refused_by_name_and_rule(
    name: str, text: str, rule: str, why: str
) -> None:
    with pytest.raises(rules.ScenarioError) as refusal:
        rules.parse_scenarios(scenarios={name: text})
    assert (refusal.value.name, refusal.value.rule) == (name, rule), why


shares = st.decimals(min_value=0, max_value=1, places=4)


@given(st.lists(shares, min_size=3, max_size=3).map(sorted), shares)
def test_the_blend_lies_between_submitted_and_model(ordered: list[Decimal], model: Decimal) -> None:
    low, p, high = ordered
    blend = rules.blended_probability(submission=submission(p, low, high), model=model)
    slack = D("1e-20")
    assert min(p, model) - slack <= blend <= max(p, model) + slack


@given(shares, shares, st.lists(shares, min_size=2, max_size=2).map(sorted))
def test_a_wider_interval_never_draws_away_from_the_model(
    p: Decimal, model: Decimal, widths: list[Decimal]
) -> None:
    narrow, wide = (
        rules.blended_probability(
            submission=submission(p, max(D(0), p - width), min(D(1), p + width)), model=model
        )
        for width in widths
    )
    assert abs(wide - model) <= abs(narrow - model) + D("1e-20")


@given(st.integers(0, 99))
def test_better_health_never_lowers_the_blend(score: int) -> None:
    worse, better = (forecast(score=points) for points in (score, score + 1))
    assert worse.blended_probability <= better.blended_probability


@given(st.lists(shares, min_size=3, max_size=3).map(sorted), st.integers(0, 100))
def test_forecasts_stay_in_bounds(ordered: list[Decimal], readiness: int) -> None:
    low, p, high = ordered
    result = forecast(submission(p, low, high), readiness=readiness)
    assert 0 <= result.shown_probability <= 1
    assert 0 <= result.expansion_probability <= D("0.45")
    assert result.risk_adjusted_value >= result.renewal_value >= 0


# --- natural repeat --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "same", "why"),
    [
        (submission(), True, "the same body"),
        (submission("0.940", "0.880", "0.97"), True, "numbers written otherwise"),
        (submission("0.93"), False, "another probability"),
        (submission(low="0.87"), False, "another interval"),
        (submission(scenarios={"expansion": "$75,000"}), False, "answers repeat the text"),
        (submission(scenarios={}), False, "other scenarios"),
        (submission(evidence="call"), False, "other evidence"),
        (submission(period="2026Q1"), False, "another period"),
    ],
)
def test_equal_bodies_have_equal_fingerprints(
    other: rules.Submission, same: bool, why: str
) -> None:
    first = rules.submission_fingerprint(submission=submission())
    assert (rules.submission_fingerprint(submission=other) == first) is same, why


def test_the_order_of_scenarios_does_not_matter() -> None:
    one = submission(scenarios={"expansion": "$1k", "churn": "$2k"})
    two = submission(scenarios={"churn": "$2k", "expansion": "$1k"})
    assert rules.submission_fingerprint(submission=one) == (
        rules.submission_fingerprint(submission=two)
    )


@pytest.mark.parametrize(
    ("fingerprint", "age", "repeats", "why"),
    [
        ("same", timedelta(0), True, "at once"),
        ("same", timedelta(hours=24) - timedelta(microseconds=1), True, "inside 24 hours"),
        ("same", timedelta(hours=24), False, "24 hours are over"),
        ("other", timedelta(minutes=1), False, "another body in the same minute is kept"),
    ],
)
def test_the_same_body_within_24_hours_is_a_repeat(
    fingerprint: str, age: timedelta, repeats: bool, why: str
) -> None:
    since = datetime(2026, 2, 28, 12, tzinfo=UTC)
    assert (
        rules.is_natural_repeat(
            fingerprint=fingerprint,
            submitted_at=since + age,
            current_fingerprint="same",
            current_since=since,
        )
        is repeats
    ), why
