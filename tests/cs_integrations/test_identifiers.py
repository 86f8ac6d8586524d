"""Public ids and time-ordered request ids."""

import re
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.database.identifiers import (
    MAX_PUBLIC_ID_LENGTH,
    drawn_from,
    first_request_id,
    is_public_id,
    new_public_id,
    new_request_id,
    public_id_field,
    public_id_pattern,
)

MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize("prefix", ["cust", "camp", "deal", "sp", "feat", "ctr", "wf", "exec"])
def test_a_new_public_id_matches_its_pattern(prefix: str) -> None:
    public_id = new_public_id(prefix)
    assert re.match(public_id_pattern(prefix), public_id)
    assert is_public_id(public_id, prefix)


def test_new_public_ids_differ() -> None:
    assert len({new_public_id("cust") for _ in range(1_000)}) == 1_000


def ids_of(request_id: UUID) -> list[str]:
    with drawn_from(request_id):
        return [new_public_id(prefix) for prefix in ("camp", "camp", "exec")]


def test_a_request_that_is_rehearsed_makes_the_ids_that_it_made() -> None:
    request_id = new_request_id(datetime.now(UTC))

    made = ids_of(request_id)

    assert ids_of(request_id) == made
    assert len(set(made)) == 3
    assert not set(made) & set(ids_of(new_request_id(datetime.now(UTC))))
    assert all(re.match(public_id_pattern("(camp|exec)"), public_id) for public_id in made)


def test_outside_a_request_ids_are_random() -> None:
    with drawn_from(UUID(int=7)):
        drawn = new_public_id("cust")

    assert new_public_id("cust") not in (drawn, new_public_id("cust"))


@pytest.mark.parametrize("value", ["cust_1", "cust_123", "cust_8Kq2", "cust_" + "9" * 59])
def test_letters_and_digits_make_a_public_id(value: str) -> None:
    assert is_public_id(value, "cust")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "cust_",
        "cust123",
        "CUST_123",
        "camp_123",  # another kind of object
        "cust_12-3",
        "cust_1_2",
        "cust_1 ",
        "cust_1\n",
        "cust_1\x00",  # what PostgreSQL refuses never gets there
        "cust_\ud800",
        "cust_\uff11",  # a digit of another script
        "xcust_1",
        "cust_" + "9" * 60,  # one too long
    ],
)
def test_other_text_is_no_public_id(value: str) -> None:
    assert not is_public_id(value, "cust")


def test_the_field_makes_ids_that_fit_it() -> None:
    field = public_id_field("cust")
    assert field.unique
    assert field.max_length == MAX_PUBLIC_ID_LENGTH
    assert is_public_id(field.get_default(), "cust")


@given(MOMENTS)
def test_a_request_id_is_a_uuid_of_version_7(at: datetime) -> None:
    request_id = new_request_id(at)
    assert isinstance(request_id, UUID)
    assert request_id.version == 7
    assert request_id.int >> 80 == (at - datetime(1970, 1, 1, tzinfo=UTC)) // MILLISECOND


@given(MOMENTS, MOMENTS)
def test_request_ids_sort_by_time(first: datetime, second: datetime) -> None:
    early, late = sorted((first, second))
    if late - early > MILLISECOND:
        assert new_request_id(early) < new_request_id(late)


@given(MOMENTS)
def test_the_first_request_id_bounds_its_moment(at: datetime) -> None:
    bound = first_request_id(at)
    assert bound.version == 7
    assert bound <= new_request_id(at)
    assert new_request_id(at - MILLISECOND) < bound


@given(MOMENTS)
def test_the_first_request_id_of_the_next_moment_is_later(at: datetime) -> None:
    assert new_request_id(at) < first_request_id(at + MILLISECOND)


def test_a_float_would_fall_into_the_millisecond_before() -> None:
    at = datetime(2038, 12, 31, 18, 4, 30, 943_000, tzinfo=UTC)
    assert first_request_id(at).int >> 80 == 2_177_431_470_943


def test_the_time_zone_of_a_moment_does_not_matter() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    elsewhere = at.astimezone(timezone(timedelta(hours=-8)))
    assert first_request_id(elsewhere) == first_request_id(at)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        first_request_id(datetime(2026, 3, 1))  # noqa: DTZ001 - the point of the test


def test_request_ids_of_one_moment_differ() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert len({new_request_id(at) for _ in range(1_000)}) == 1_000
