"""Reading the trail over the API: one record, pages of them, and who may see which."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import canonical
from audit.proof.receipts import Receipt
from audit.reading import paging
from tests.audit import records
from tests.clients import API, HubClient, problem_of, record_of

DETAIL_ONLY = {"kept_request", "kept_response", "omitted"}


def ids_of(answer):
    return [UUID(record["request_id"]) for record in answer.json()["records"]]


@pytest.fixture
def auditor(client_with):
    return client_with("cs-audit.read", rate_limits={"audit": 100_000})


@pytest.fixture
def customer():
    """Return the id of a customer whom no other test's records are about."""
    return f"cust_{uuid4().hex}"


class TestOneRecord:
    def test_a_client_sees_its_own_and_no_other(self, client_with):
        alice, bob = client_with("cs-finance.read"), client_with("cs-sales.read")
        request_id = alice.read("/finance/forecast/cust_1")["X-Request-ID"]

        assert alice.read(f"/audit/{request_id}").json()["request_id"] == request_id
        assert bob.read(f"/audit/{request_id}").status_code == 404

    def test_with_the_scope_it_sees_all(self, auditor):
        request_id = HubClient().read("/finance/forecast/cust_1")["X-Request-ID"]

        answer = auditor.read(f"/audit/{request_id}").json()

        assert (answer["status"], answer["decision"]) == (401, "unauthenticated")

    def test_the_audit_trail_header_leads_there(self, client_with):
        client = client_with("cs-finance.read")
        response = client.read("/finance/forecast/cust_1")

        path = response["X-Audit-Trail"].split(API)[1]

        assert client.read(path).status_code == 200

    @pytest.mark.parametrize("request_id", ["x", "%00", "00000000-0000-7000-8000-000000000000"])
    def test_unknown_and_malformed_ids_are_not_found(self, auditor, request_id):
        assert auditor.read(f"/audit/{request_id}").status_code == 404

    def test_shows_every_column(self, auditor, customer):
        original = uuid4()
        record_id = records.written(
            at=timezone.now(), customer_id=customer, object_ids=[customer, "deal_1"],
            replay_of=original, replay_batch="nightly", replay_mode="execute",
            replay_operator="alice", is_streamed=True, scopes_held="a b",
        )  # fmt: skip

        shown = auditor.read(f"/audit/{record_id}").json()

        renamed = {"id": "request_id", "mac_key": "key_id"}
        columns = {renamed.get(name, name) for name in canonical.NAMES}
        assert set(shown) == columns | DETAIL_ONLY
        assert shown["customer_id"] == customer
        assert shown["object_ids"] == [customer, "deal_1"]
        assert (shown["replay_of"], shown["replay_batch"]) == (str(original), "nightly")
        assert (shown["replay_mode"], shown["replay_operator"]) == ("execute", "alice")
        assert shown["is_streamed"] is True
        assert shown["scopes_held"] == ["a", "b"]

    def test_shows_what_is_kept_of_the_bodies_and_what_was_left_out(self, auditor):
        record_id = records.written_with_exact_request(at=timezone.now(), client_id="c")

        shown = auditor.read(f"/audit/{record_id}").json()

        assert (shown["kept_request"], shown["omitted"]) == ('{"period":"2001-Q1"}', "")


@pytest.mark.django_db(transaction=True)
class TestItsProof:
    def test_is_shown_when_it_is_asked_for(self, auditor):
        record_id = records.written(at=timezone.now())

        assert not {"proof", "receipt"} & set(auditor.read(f"/audit/{record_id}").json())
        assert not {"proof", "receipt"} & set(
            auditor.read(f"/audit/{record_id}?proof=false").json()
        )

    def test_of_a_record_that_waits_for_sealing_has_no_receipt(self, auditor):
        record_id = records.written(at=timezone.now())

        shown = auditor.read(f"/audit/{record_id}?proof=true").json()

        assert (shown["proof"], shown["receipt"]) == ("unsealed", None)

    def test_of_a_sealed_record_is_its_receipt(self, auditor):
        record_id = records.written(at=timezone.now())
        records.seal_all([record_id])

        shown = auditor.read(f"/audit/{record_id}?proof=true").json()

        assert shown["proof"] == "sealed"
        assert Receipt.from_json(shown["receipt"]).record_id == record_id

    def test_shows_a_record_that_somebody_changed(self, auditor, owner):
        record_id = records.written(at=timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_record DISABLE TRIGGER USER")
            cursor.execute("UPDATE audit_record SET status = 201 WHERE id = %s", [record_id])

            shown = auditor.read(f"/audit/{record_id}?proof=true").json()

        assert (shown["proof"], shown["receipt"]) == ("broken", None)

    def test_takes_true_and_false_only(self, auditor):
        answer = auditor.read(f"/audit/{uuid4()}?proof=yes")

        assert problem_of(answer) == (400, "validation-error", [("proof", "boolean")])


class TestAPage:
    def written(self, customer, count, **changes):
        """Insert records a millisecond apart; return their ids, newest first."""
        now = timezone.now()
        return [
            records.written(
                at=now - timedelta(milliseconds=number), customer_id=customer, **changes
            )
            for number in range(count)
        ]

    def test_is_newest_first_and_ends_at_its_limit(self, auditor, customer):
        ids = self.written(customer, 3)

        answer = auditor.read(f"/audit/?customer_id={customer}&limit=2")

        assert ids_of(answer) == ids[:2]
        assert answer.json()["next_cursor"] == paging.cursor_of(ids[1])

    def test_has_fifty_records_unless_told_otherwise(self, auditor, customer):
        self.written(customer, 51)

        assert len(ids_of(auditor.read(f"/audit/?customer_id={customer}"))) == 50

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_that_is_the_last_has_no_cursor(self, auditor, customer, count):
        ids = self.written(customer, count)

        answer = auditor.read(f"/audit/?customer_id={customer}&limit=2")

        assert ids_of(answer) == ids
        assert answer.json()["next_cursor"] is None

    def test_leads_to_the_next_without_gap_or_repeat_while_records_are_added(
        self, auditor, customer
    ):
        ids = self.written(customer, 7)
        seen, place = [], ""
        while place is not None:
            answer = auditor.read(f"/audit/?customer_id={customer}&limit=3{place}")
            seen += ids_of(answer)
            cursor = answer.json()["next_cursor"]
            place = f"&cursor={cursor}" if cursor else None
            self.written(customer, 2)

        assert seen == ids

    def test_of_another_filter_begins_at_the_same_place(self, auditor, customer):
        ids = self.written(customer, 3)
        refusals = self.written(customer, 3, status=404)
        order = sorted([*ids, *refusals], reverse=True)
        first = auditor.read(f"/audit/?customer_id={customer}&limit=3").json()["next_cursor"]

        answer = auditor.read(f"/audit/?customer_id={customer}&status=404&cursor={first}")

        assert ids_of(answer) == [found for found in order[3:] if found in refusals]

    def test_shows_the_same_members_as_the_single_record_but_the_bodies(self, auditor, customer):
        (record_id,) = self.written(customer, 1)
        single = auditor.read(f"/audit/{record_id}").json()

        (shown,) = auditor.read(f"/audit/?ids={record_id}").json()["records"]

        assert shown == {name: single[name] for name in single if name not in DETAIL_ONLY}

    def test_costs_the_same_number_of_queries_whatever_it_holds(self, auditor, customer):
        counts = []
        for added in (0, 5, 60):
            self.written(customer, added)
            with CaptureQueriesContext(connection) as queries:
                auditor.read(f"/audit/?customer_id={customer}")
            counts.append(len(queries))

        assert len(set(counts)) == 1

    def test_of_ones_own_records_is_all_that_a_client_sees(self, client_with):
        alice, bob = client_with("cs-finance.read"), client_with("cs-finance.read")
        own = UUID(alice.read("/finance/forecast/cust_1")["X-Request-ID"])
        bob.read("/finance/forecast/cust_1")

        assert ids_of(alice.read("/audit/?operation=finance_forecast")) == [own]

    def test_of_another_client_is_empty_without_the_scope(self, client_with, auditor):
        alice, bob = client_with("cs-finance.read"), client_with()
        request_id = alice.read("/finance/forecast/cust_1")["X-Request-ID"]
        client_id = record_of(alice.read("/audit/")).client_id
        path = f"/audit/?client_id={client_id}&operation=finance_forecast"

        assert bob.read(path).json() == {"records": [], "next_cursor": None}
        assert ids_of(auditor.read(path)) == [UUID(request_id)]

    def test_says_what_it_was_filtered_by_when_asked(self, auditor, customer):
        path = f"/audit/?customer_id={customer}&status=4xx&explain=true"

        inputs = auditor.read(path).json()["explanation"]["inputs"]

        assert inputs == {"customer_id": customer, "status": "4xx"}

    @pytest.mark.parametrize(
        ("query", "error"),
        [
            ("limit=0", ("limit", "range")),
            ("limit=101", ("limit", "range")),
            ("limit=x", ("limit", "range")),
            ("limit=", ("limit", "range")),
            ("limit=%C2%B2", ("limit", "range")),
            ("cursor=", ("cursor", "cursor")),
            ("cursor=AAAA", ("cursor", "cursor")),
            ("cursor=AZqNLnwAcACAAAAAAAAAAB", ("cursor", "cursor")),
            ("cursor=%C3%A9AAAAAAAAAAAAAAAAAAAA", ("cursor", "cursor")),
            (f"cursor={'A' * 2000}", ("cursor", "cursor")),
            ("status=9", ("status", "status")),
            ("from=2026-11-11&to=2026-11-10", ("to", "order")),
            ("domain=sales&domain=finance", ("domain", "repeated")),
            ("domain=%00", ("domain", "text")),
            ("colour=red", ("colour", "unknown")),
            ("proof=true", ("proof", "unknown")),
        ],
    )
    def test_that_cannot_be_understood_is_refused_by_name(self, auditor, query, error):
        assert problem_of(auditor.read(f"/audit/?{query}")) == (400, "validation-error", [error])


class TestReadingIsRecorded:
    def test_with_the_filters_that_were_used(self, auditor):
        answer = auditor.read("/audit/?customer_id=cust_123&status=4xx&operation=finance_forecast")

        record = record_of(answer)
        assert (record.domain, record.operation) == ("audit", "audit_records")
        assert record.query == "customer_id=cust_123&status=4xx&operation=finance_forecast"

    def test_with_each_of_the_ids_that_were_asked_for(self, auditor):
        first, second = uuid4(), uuid4()

        answer = auditor.read(f"/audit/?ids={first},{second}")

        assert record_of(answer).query == f"ids={first},{second}"

    def test_in_the_admin_with_its_filters_and_the_ids_searched_for(self, admin_client):
        page = "/admin/audit/auditrecord/"

        answers = [
            admin_client.get(f"{page}?q=cust_123&status=404&decision__exact=throttled"),
            admin_client.get(f"{page}?q=Jane+Doe"),
        ]

        assert [record_of(answer).query for answer in answers] == [
            "q=cust_123&status=404&decision__exact=throttled",
            "q=(unknown)",
        ]
