"""Each filter finds what it names, and what it does not understand it refuses by name."""

import argparse
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from audit.models import AuditRecord
from audit.reading import filters
from audit.reading.filters import InvalidFilter, RecordFilter
from tests.audit import records

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
ORIGINAL = uuid4()
PLAIN = {
    "client_id": "client-1",
    "domain": "finance",
    "operation": "finance_forecast",
    "customer_id": "cust_1",
    "idempotency_key": "key-1",
    "replay_batch": "nightly",
    "replay_of": ORIGINAL,
}
OTHER = {
    "client_id": "client-2",
    "domain": "sales",
    "operation": "sales_expansion",
    "customer_id": "cust_2",
    "idempotency_key": "key-2",
    "replay_batch": "weekly",
    "replay_of": None,
}


def found(among, **parameters):
    """Return those of the records that the filter matches."""
    selection = RecordFilter.from_parameters(parameters)
    matching = selection.matching(AuditRecord.objects.filter(pk__in=among))
    return set(matching.values_list("pk", flat=True))


def refused(**parameters):
    with pytest.raises(InvalidFilter) as refusal:
        RecordFilter.from_parameters(parameters)
    return refusal.value.name, refusal.value.rule


@pytest.mark.django_db
class TestAFilter:
    @pytest.mark.parametrize("name", sorted(PLAIN))
    def test_finds_the_records_that_have_the_value(self, name):
        wanted = records.written(at=NOON, **PLAIN)
        other = records.written(at=NOON, **OTHER)

        assert found([wanted, other], **{name: str(PLAIN[name])}) == {wanted}

    @pytest.mark.parametrize(
        ("status", "expected"),
        [("404", {404}), ("4xx", {404, 409, 499}), ("2xx", {200}), ("5xx", {503}), ("403", set())],
    )
    def test_of_a_status_takes_one_or_its_whole_class(self, status, expected):
        by_status = {
            code: records.written(at=NOON, status=code) for code in (200, 404, 409, 499, 503)
        }

        assert found(by_status.values(), status=status) == {by_status[code] for code in expected}

    @pytest.mark.parametrize(
        "text", ["rate-limit", "https://api.penguinmails.com/errors/rate-limit"]
    )
    def test_of_a_problem_takes_its_slug_or_its_uri(self, text):
        wanted = records.written(at=NOON, status=429, problem_type="rate-limit")
        other = records.written(at=NOON, status=404, problem_type="not-found")

        assert found([wanted, other], problem_type=text) == {wanted}

    def test_of_ids_finds_these(self):
        ids = [records.written(at=NOON) for _ in range(3)]

        assert found(ids, ids=f"{ids[0]}, {ids[2]}") == {ids[0], ids[2]}

    def test_with_several_conditions_wants_all_of_them(self):
        wanted = records.written(at=NOON, client_id="c", status=404)
        others = [
            records.written(at=NOON, client_id="c", status=200),
            records.written(at=NOON, client_id="d", status=404),
        ]

        assert found([wanted, *others], client_id="c", status="4xx") == {wanted}

    def test_without_conditions_matches_all(self):
        ids = {records.written(at=NOON) for _ in range(2)}

        assert found(ids) == ids


@pytest.mark.django_db
class TestTime:
    def times_found(self, *times, **parameters):
        by_id = {records.written(at=at): at for at in times}
        return {by_id[record_id] for record_id in found(by_id, **parameters)}

    def test_begins_with_from_and_ends_before_to(self):
        first, last = NOON, NOON + timedelta(milliseconds=1)

        shown = self.times_found(
            first - timedelta(milliseconds=1),
            first,
            last,
            **{"from": first.isoformat(), "to": last.isoformat()},
        )

        assert shown == {first}

    def test_counts_milliseconds_and_no_less(self):
        at = NOON + timedelta(microseconds=400)

        assert self.times_found(at, **{"from": "2026-11-10T12:00:00.000900Z"}) == {at}

    def test_of_a_day_is_the_whole_day(self):
        midnight = datetime(2026, 11, 10, tzinfo=UTC)
        last = midnight + timedelta(days=1, milliseconds=-1)
        after = midnight + timedelta(days=1)

        shown = self.times_found(
            midnight - timedelta(milliseconds=1),
            midnight,
            last,
            after,
            **{"from": "2026-11-10", "to": "2026-11-10"},
        )

        assert shown == {midnight, last}

    def test_across_months_finds_both(self):
        times = {datetime(2026, 11, 30, 23, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)}

        assert self.times_found(*times, **{"from": "2026-11-30", "to": "2026-12-01"}) == times

    @pytest.mark.parametrize(
        "text", ["2026-11-10T12:00:00", "2026-11-10T12:00:00Z", "2026-11-10T13:00:00+01:00"]
    )
    def test_is_utc_unless_it_says_otherwise(self, text):
        assert RecordFilter.from_parameters({"from": text}).start == NOON

    def test_leaves_the_other_months_unread(self):
        selection = RecordFilter.from_parameters({"from": "2026-12-02", "to": "2026-12-03"})

        plan = selection.matching(AuditRecord.objects.all()).explain()

        assert "audit_record_2026_12" in plan
        assert "audit_record_2026_11" not in plan
        assert "audit_record_2027_01" not in plan


class TestIsRefused:
    @pytest.mark.parametrize("name", ["from", "to"])
    @pytest.mark.parametrize(
        "text",
        ["", "yesterday", "2026-13-01", "2026-11-10T25:00", "1969-12-30", "2026-11-10T12:00 01:00"],
    )
    def test_what_is_no_time(self, name, text):
        assert refused(**{name: text}) == (name, "time")

    @pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01T00:00:00+10:00"])
    def test_a_time_that_no_calendar_has(self, text):
        assert refused(to=text) == ("to", "time")

    def test_an_end_that_is_not_after_the_beginning(self):
        assert refused(**{"from": "2026-11-11", "to": "2026-11-10"}) == ("to", "order")

    @pytest.mark.parametrize("text", ["", "x", "4", "40", "4XX", "600", "04xx", "٤٠٤"])
    def test_what_is_no_status(self, text):
        assert refused(status=text) == ("status", "status")

    @pytest.mark.parametrize("name", ["ids", "replay_of"])
    @pytest.mark.parametrize("text", ["", "x", "{019a8d2e-7c00-7000-8000-000000000000}"])
    def test_what_is_no_id(self, name, text):
        assert refused(**{name: text}) == (name, "uuid")

    def test_more_ids_than_it_takes(self):
        assert refused(ids=",".join(str(uuid4()) for _ in range(1001))) == ("ids", "max_length")

    @pytest.mark.parametrize(
        "name", ["client_id", "domain", "operation", "idempotency_key", "replay_batch"]
    )
    @pytest.mark.parametrize("text", ["", "\x00", "a\nb", "\ud800", "x" * 256])
    def test_text_that_no_record_can_have(self, name, text):
        assert refused(**{name: text}) == (name, "text")

    def test_a_problem_that_is_not_in_the_catalogue(self):
        assert refused(problem_type="teapot") == ("problem_type", "unknown_code")

    def test_a_customer_id_that_is_none(self):
        assert refused(customer_id="camp_1") == ("customer_id", "pattern")

    def test_a_filter_that_does_not_exist(self):
        assert refused(colour="red") == ("colour", "unknown")


class TestWrittenAsText:
    PARAMETERS = {
        "from": "2026-11-10T12:00:00.001Z",
        "to": "2026-11-11T00:00:00.000Z",
        "ids": "019a8d2e-7c00-7000-8000-000000000000,019a8d2e-7c00-7000-8000-000000000001",
        "client_id": "c",
        "domain": "finance",
        "operation": "finance_forecast",
        "status": "4xx",
        "problem_type": "not-found",
        "customer_id": "cust_1",
        "idempotency_key": "k 1",
        "replay_batch": "nightly",
        "replay_of": "019a8d2e-7c00-7000-8000-000000000000",
    }

    def test_it_has_every_filter(self):
        assert set(self.PARAMETERS) == set(filters.NAMES)

    def test_it_reads_back_as_the_same(self):
        assert RecordFilter.from_parameters(self.PARAMETERS).as_parameters() == self.PARAMETERS

    def test_it_leaves_out_what_is_not_set(self):
        assert RecordFilter().as_parameters() == {}


class TestOnACommandLine:
    def parsed(self, *arguments):
        parser = argparse.ArgumentParser()
        filters.add_arguments(parser)
        return filters.from_arguments(vars(parser.parse_args(arguments)))

    def test_each_filter_is_an_option_of_its_name(self):
        arguments = [
            part
            for name, text in TestWrittenAsText.PARAMETERS.items()
            for part in (f"--{name.replace('_', '-')}", text)
        ]

        assert self.parsed(*arguments).as_parameters() == TestWrittenAsText.PARAMETERS

    def test_what_is_not_given_does_not_matter(self):
        assert self.parsed() == RecordFilter()
