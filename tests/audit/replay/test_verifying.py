"""Verify: recorded traffic against today's code, in a transaction that is rolled back."""

from functools import wraps
from io import StringIO
from itertools import count

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from audit.models import AuditBody, AuditRecord, ReplayBatch, ReplayMode
from audit.proof import verification
from audit.proof.verification import ProofState
from audit.reading.filters import RecordFilter
from audit.replay.executing import BatchRefused
from audit.replay.obstacles import Obstacle
from audit.replay.plan import make_plan
from audit.replay.verifying import VerifyEnded, verify
from cs_integrations.customers.models import Customer
from finance.rules.roi import RoiTrajectory
from finance.views import ForecastViewSet
from product.views import FeedbackViewSet
from tests.audit.replay import facts, traffic
from tests.audit.replay.running import DONE, OPERATOR, REFUSED, SKIPPED, Forecaster, ids_of
from tests.forecasts import customer_with_contract

_numbers = count(1)
TEN_OPERATIONS = {
    "marketing_trigger",
    "marketing_performance",
    "sales_handoff_complete",
    "sales_expansion",
    "product_adoption",
    "product_feedback_submit",
    "finance_realization",
    "finance_forecast_adjust",
    "operations_execute",
    "operations_capacity",
}


@pytest.fixture(scope="module")
def answers(django_db_setup, django_db_blocker):
    """Traffic on the demo portfolio, whose facts are then again those of before it."""
    with django_db_blocker.unblock():
        nothing = facts.taken()
        call_command("seed", light=True, stdout=StringIO())
        everything, stranger = traffic.caller(), traffic.caller("cs-sales.read")
        before = facts.taken()
        answers = traffic.taken(everything, stranger)
        facts.put_back(before)
        yield answers
        facts.put_back(nothing)


def verified(answers, *, ignore=(), name="", on_item=lambda _result: None):
    """Verify the requests that got these answers; return the results."""
    results = []

    def listen(result):
        results.append(result)
        on_item(result)

    selection = RecordFilter(ids=ids_of(*answers))
    at = timezone.now()
    verify(
        make_plan(selection=selection, mode=ReplayMode.VERIFY, at=at),
        name=name or f"verify-{next(_numbers)}",
        operator=OPERATOR,
        selection=selection,
        ignore=frozenset(ignore),
        on_item=listen,
        at=at,
    )
    return results


def differing(results):
    """Return the places that differ, by the request."""
    return {
        result.record_id: {difference.place for difference in result.differences}
        for result in results
        if result.differences
    }


def of(answers, *, operation, status):
    return {
        record.pk
        for record in AuditRecord.objects.filter(
            pk__in=ids_of(*answers), operation=operation, status=status
        )
    }


@pytest.mark.django_db
class TestUnchangedCode:
    def test_gives_the_answers_of_then(self, answers):
        results = verified(answers)

        assert {result.operation for result in results} > TEN_OPERATIONS
        assert len(results) == len(answers)
        assert [result for result in results if not result.is_sound] == []

    def test_however_often(self, answers):
        verified(answers)

        assert differing(verified(answers)) == {}

    def test_reads_a_ticket_back_whose_number_is_another_this_time(self, answers):
        read = of(answers, operation="product_feedback_status", status=200)

        results = verified(answers)

        assert len(read) == 1
        assert [result.status for result in results if result.record_id in read] == [200]

    def test_without_the_first_use_of_a_key_there_is_nothing_to_compare_a_repeat_with(
        self, answers
    ):
        keyed = [answer for answer in answers if answer.request.get("HTTP_IDEMPOTENCY_KEY")]
        _first, again, other_request = keyed

        results = verified([again, other_request])

        assert {result.state for result in results} == {SKIPPED}
        assert {result.reason for result in results} == {Obstacle.KEY_OF_ANOTHER}
        assert {result.state for result in verified(keyed)} == {DONE}


@pytest.mark.django_db
class TestAChange:
    def test_of_a_value_is_found_in_each_answer_that_has_it_and_nowhere_else(
        self, answers, monkeypatch
    ):
        affected = of(answers, operation="finance_realization", status=200)
        monkeypatch.setattr(RoiTrajectory, "text", property(lambda _self: "99x_projected"))

        found = differing(verified(answers))

        assert len(affected) == 2
        assert set(found) == affected
        assert set().union(*found.values()) == {"/roi_trajectory"}

    def test_says_what_was_and_what_is(self, answers, monkeypatch):
        monkeypatch.setattr(RoiTrajectory, "text", property(lambda _self: "99x_projected"))

        result = next(result for result in verified(answers) if result.differences)

        (difference,) = result.differences
        assert (difference.then, difference.now) == ('"11.8x_projected"', '"99x_projected"')

    def test_of_a_status_is_found(self, answers, monkeypatch):
        affected = of(answers, operation="product_feedback_submit", status=201)
        answering(monkeypatch, lambda response: setattr(response, "status_code", 200))

        found = differing(verified(answers))

        assert set(found) == affected
        assert set().union(*found.values()) == {"status"}

    def test_of_a_header_is_found(self, answers, monkeypatch):
        affected = of(answers, operation="product_feedback_submit", status=201)
        answering(monkeypatch, lambda response: response.headers.pop("Location"))

        found = differing(verified(answers))

        assert set(found) == affected
        assert set().union(*found.values()) == {"header Location"}

    def test_that_is_to_be_ignored_is(self, answers, monkeypatch):
        monkeypatch.setattr(RoiTrajectory, "text", property(lambda _self: "99x_projected"))

        assert differing(verified(answers, ignore=["/roi_trajectory"])) == {}

    def test_of_the_facts_is_found_too(self, answers):
        Customer.objects.filter(public_id="cust_123").update(status=Customer.Status.DELETED)

        found = differing(verified(answers))

        assert found
        assert {"status", "problem type"} <= set().union(*found.values())


@pytest.mark.django_db
class TestWhatStays:
    def test_is_a_record_of_each_request_that_was_sent(self, answers):
        results = verified(answers, name="monday")

        records = AuditRecord.objects.filter(replay_batch="monday").order_by("received_at")
        assert [record.pk for record in records] == [result.request_id for result in results]
        assert [record.replay_of for record in records] == [r.record_id for r in results]
        assert {(record.replay_mode, record.replay_operator) for record in records} == {
            ("verify", OPERATOR)
        }
        assert AuditBody.objects.filter(pk__in=[record.pk for record in records]).exists()

    def test_is_a_trail_that_verifies(self, answers):
        results = verified(answers)

        states = verification.verify_records([result.request_id for result in results])
        assert set(states.values()) == {ProofState.UNSEALED}

    def test_is_the_batch_with_its_items_and_their_differences(self, answers, monkeypatch):
        monkeypatch.setattr(RoiTrajectory, "text", property(lambda _self: "99x_projected"))

        results = verified(answers, name="tuesday")

        batch = ReplayBatch.objects.get(name="tuesday")
        assert (batch.mode, batch.state) == ("verify", ReplayBatch.State.FINISHED)
        stored = {item.record_id: item for item in batch.items.all()}
        for result in results:
            item = stored[result.record_id]
            assert (item.state, item.status) == (result.state, result.status)
            assert item.request_id == result.request_id
            assert [one["place"] for one in item.differences] == [
                difference.place for difference in result.differences
            ]

    def test_is_nothing_of_what_could_not_run(self, answers, client):
        unknown = client.read("/finance/forecast/cust_123")

        (result,) = verified([unknown])

        assert (result.state, result.request_id) == (REFUSED, None)
        assert not AuditRecord.objects.filter(replay_of=result.record_id).exists()


@pytest.mark.django_db(transaction=True)
class TestNothingEscapes:
    @pytest.fixture
    def forecaster(self):
        return Forecaster()

    @pytest.fixture
    def forecasts(self, forecaster):
        customer = customer_with_contract()
        before = facts.taken()
        answers = [
            forecaster.submits(customer.public_id),
            forecaster.submits(customer.public_id, **{"Idempotency-Key": "once"}),
            forecaster.submits("cust_nobody"),
        ]
        facts.put_back(before)
        return answers

    def test_no_fact_and_no_stored_answer(self, forecasts):
        before = facts.taken()

        results = verified(forecasts)

        assert [result.status for result in results] == [201, 201, 404]
        assert differing(results) == {}
        assert facts.taken() == before

    def test_no_count_against_the_limit(self, forecaster, forecasts):
        cache.clear()

        verified(forecasts)

        left = int(forecaster.submits("cust_nobody")["X-RateLimit-Remaining"])
        assert left == forecaster.client.rate_limits["finance"] - 1

    def test_nothing_that_waits_for_a_commit(self, forecasts, monkeypatch):
        told = []
        finish = ForecastViewSet.finalize_response

        def telling(view, *args, **kwargs):
            transaction.on_commit(lambda: told.append(view))
            return finish(view, *args, **kwargs)

        monkeypatch.setattr(ForecastViewSet, "finalize_response", telling)

        verified(forecasts)

        assert told == []

    def test_nothing_at_all_when_it_does_not_come_to_its_end(self, forecasts):
        before, records = facts.taken(), AuditRecord.objects.count()

        def killed(_result):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            verified(forecasts, name="killed", on_item=killed)

        assert facts.taken() == before
        assert AuditRecord.objects.count() == records
        assert not ReplayBatch.objects.filter(name="killed").exists()

    def test_a_name_that_is_taken_is_refused_before_anything_runs(self, forecasts):
        verified(forecasts, name="taken")
        seen = []

        with pytest.raises(BatchRefused):
            verified(forecasts, name="taken", on_item=seen.append)

        assert seen == []

    def test_a_lock_of_live_traffic_ends_it_with_a_reason(self, forecasts):
        live = connection.copy()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        try:
            with live.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT 1 FROM customers_customer FOR UPDATE")
            with pytest.raises(VerifyEnded, match="in a quiet hour"):
                verified(forecasts, name="locked")
        finally:
            live.close()
            connection.close()

        assert not ReplayBatch.objects.filter(name="locked").exists()


def answering(monkeypatch, change):
    """Let feedback be answered otherwise than it was."""
    create = FeedbackViewSet.create

    @wraps(create)
    def changed(view, request):
        response = create(view, request)
        change(response)
        return response

    monkeypatch.setattr(FeedbackViewSet, "create", changed)
