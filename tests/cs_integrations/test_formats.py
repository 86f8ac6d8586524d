"""Numbers as the specification writes them."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api import formats

AMOUNTS = st.decimals(min_value=-(10**11), max_value=10**11, places=4)


@pytest.mark.parametrize(
    ("value", "step", "rounded"),
    [
        ("2.5", "1", "3"),  # a tie goes up, not to the even neighbor
        ("-2.5", "1", "-3"),  # away from zero on either side
        ("2.4999", "1", "2"),
        ("0.05", "0.1", "0.1"),
        ("91.75", "1", "92"),  # the readiness of the specification's example
    ],
)
def test_rounding_is_half_up(value: str, step: str, rounded: str) -> None:
    assert formats.half_up(Decimal(value), Decimal(step)) == Decimal(rounded)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("42", "42%"),  # specification, Campaign Performance API
        ("101.5", "102%"),  # specification, Value Realization API
        ("0", "0%"),
        ("-0.4", "0%"),  # no negative zero
        ("-3.5", "-4%"),
        ("0.5", "1%"),
        ("1E+2", "100%"),  # never in exponents
    ],
)
def test_percent_is_whole(value: str, text: str) -> None:
    assert formats.percent(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("12500", "$12,500"),  # specification, Campaign Performance API
        ("0", "$0"),
        ("-0.4", "$0"),
        ("999.5", "$1,000"),
        ("-3", "-$3"),
        ("1234567.49", "$1,234,567"),
        ("1E+6", "$1,000,000"),
    ],
)
def test_money_is_whole_dollars_with_separators(value: str, text: str) -> None:
    assert formats.money(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "$0"),
        ("-0.4", "$0"),
        ("999", "$999"),
        ("999.49", "$999"),  # still plain
        ("999.5", "$1k"),  # rounds to a thousand first
        ("999.95", "$1k"),
        ("1000", "$1k"),
        ("1049", "$1k"),
        ("1050", "$1.1k"),  # half-up at one decimal
        ("75000", "$75k"),
        ("150000", "$150k"),  # specification, Expansion Opportunity API
        ("999949", "$999.9k"),
        ("999950", "$1m"),  # not $1000k
        ("1250000", "$1.3m"),
        ("12000000", "$12m"),
        ("-1500", "-$1.5k"),
        ("-999.95", "-$1k"),
        ("-2000000", "-$2m"),
    ],
)
def test_compact_money_grows_from_plain_to_k_to_m(value: str, text: str) -> None:
    assert formats.compact_money(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("150000", "$150k_annualized"), ("0", "$0_annualized"), ("480", "$480_annualized")],
)
def test_yearly_amounts_say_so(value: str, text: str) -> None:
    assert formats.annualized(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("11.8", "11.8x"),  # specification, Value Realization API
        ("11.75", "11.8x"),
        ("12", "12.0x"),  # one decimal, always
        ("0", "0.0x"),
        ("-0.04", "0.0x"),
        ("-0.05", "-0.1x"),
    ],
)
def test_a_multiple_has_one_decimal(value: str, text: str) -> None:
    assert formats.multiple(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("3", "3x"),  # specification, Expansion Opportunity API
        ("3.99", "3x"),  # what was shown was reached in full
        ("0.5", "0x"),
        ("-0", "0x"),
        ("-0.5", "-1x"),
    ],
)
def test_a_demonstrated_multiple_is_rounded_down(value: str, text: str) -> None:
    assert formats.demonstrated_multiple(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(hours=4), "4h"),  # specification, Workflow Execution API
        (timedelta(hours=24), "24h"),
        (timedelta(hours=1), "1h"),
        (timedelta(minutes=15), "15m"),
        (timedelta(minutes=90), "90m"),  # not a whole number of hours
        (timedelta(seconds=61), "2m"),  # a part of a minute counts as a whole one
        (timedelta(minutes=59, seconds=1), "1h"),
        (timedelta(0), "0m"),
    ],
)
def test_a_duration_is_in_whole_hours_or_minutes(value: timedelta, text: str) -> None:
    assert formats.duration(value) == text


@pytest.mark.parametrize(
    ("quarter", "text"), [(1, "Q1_target"), (2, "Q2_target"), (4, "Q4_target")]
)
def test_a_roadmap_position_names_its_quarter(quarter: int, text: str) -> None:
    assert formats.quarter_target(quarter) == text


@pytest.mark.parametrize(
    ("text", "dollars"),
    [
        ("$75k", "75000"),  # specification, Forecast Adjustment API
        ("$75K", "75000"),
        ("$2M", "2000000"),
        ("$1.25m", "1250000"),
        ("$1,250.50", "1250.50"),
        ("$1,250k", "1250000"),
        ("$0", "0"),
        ("$0.01", "0.01"),
        ("$12500", "12500"),
        ("$999,999,999,999", "999999999999"),
    ],
)
def test_money_is_read_as_it_is_written(text: str, dollars: str) -> None:
    assert formats.parse_money(text) == Decimal(dollars)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$",
        "75k",  # the dollar sign is part of the format
        "$-75k",  # a scenario is a size, its name tells the direction
        "-$75k",
        "$75kk",
        "$75b",
        "$1,25",  # groups of three
        "$1250,000",
        "$1,250,",
        "$.50",
        "$1.",
        "$1e3",
        " $75k",
        "$75k ",
        "$75k\n",
        "$\uff17\uff15",  # digits of another script
        "$NaN",
        "$1,000,000,000,000",  # thirteen digits
        "$1234567890123",
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount of money"):
        formats.parse_money(text)


@given(st.decimals(min_value=0, max_value=999_999_999_999, places=0))
def test_written_money_reads_back_the_same(value: Decimal) -> None:
    assert formats.parse_money(formats.money(value)) == value


@given(st.decimals(min_value=0, max_value=10**11, places=4))
def test_compact_money_reads_back_within_half_a_step(value: Decimal) -> None:
    read = formats.parse_money(formats.compact_money(value))
    step = 1 if read < 1_000 else 100 if read < 1_000_000 else 100_000
    assert abs(read - value) <= Decimal(step) / 2


@given(AMOUNTS)
def test_a_negative_amount_is_its_opposite_with_a_sign(value: Decimal) -> None:
    for written in (formats.money, formats.compact_money):
        text = written(abs(value))
        expected = text if text == "$0" or value >= 0 else f"-{text}"
        assert written(value) == expected


@given(AMOUNTS)
def test_compact_money_keeps_its_shape(value: Decimal) -> None:
    assert re.fullmatch(r"-?\$\d{1,3}|-?\$\d{1,6}(\.[1-9])?[km]", formats.compact_money(value))


@given(AMOUNTS, AMOUNTS)
def test_rounding_keeps_order(first: Decimal, second: Decimal) -> None:
    low, high = sorted((first, second))
    assert formats.half_up(low) <= formats.half_up(high)
    assert abs(formats.half_up(low) - low) <= Decimal("0.5")
