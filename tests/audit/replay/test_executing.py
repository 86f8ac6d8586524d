"""Executing a replay: what failed is run for good, once, in order, and nothing else is."""

import pytest
from django.db import DatabaseError
from django.utils import timezone

from audit import canonical
from audit.models import AuditRecord, ReplayItem
from audit.replay import executing, sending
from audit.replay.obstacles import Obstacle
from cs_integrations.clients.models import IdempotencyRecord
from tests.audit.replay.running import (
    DONE,
    FAILED,
    OPERATOR,
    PENDING,
    REFUSED,
    SKIPPED,
    Forecaster,
    altered,
    batch_of,
    customer_without_contract,
    forecasts_of,
    ids_of,
    mend,
    plan_of,
    record,
    replayed,
    run,
    without_the_right_to_insert,
)
from tests.factories import CustomerFactory
from tests.forecasts import customer_with_contract

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def forecaster():
    return Forecaster()


def leaf_of(request_id):
    query = f"SELECT {canonical.SELECTED} FROM audit_record AS record WHERE id = %s"
    return next(canonical.copied(query, [request_id]))


class TestWhatFailedAndWasMended:
    def test_a_conflict_that_is_gone_has_its_effect_now(self, forecaster):
        customer = customer_without_contract()
        answer = forecaster.fails(customer.public_id)
        mend(customer)

        (result,) = replayed(answer)

        (forecast,) = forecasts_of(customer)
        assert (result.state, result.original_status, result.status) == (DONE, 409, 201)
        assert forecast.public_id in record(result.request_id).object_ids

    def test_a_customer_that_was_missing_is_found_now(self, forecaster):
        answer = forecaster.submits("cust_late1")
        assert answer.status_code == 404
        customer = CustomerFactory(public_id="cust_late1")
        mend(customer)

        (result,) = replayed(answer)

        assert (result.state, result.status) == (DONE, 201)
        assert len(forecasts_of(customer)) == 1

    def test_an_outage_that_is_over_cost_nothing(self, forecaster):
        customer = customer_with_contract()
        with without_the_right_to_insert("finance_forecastadjustment"):
            answers = [forecaster.submits(customer.public_id) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [503] * 3

        results = replayed(*answers)

        assert [result.state for result in results] == [DONE] * 3
        assert len(forecasts_of(customer)) == 3

    def test_what_is_still_broken_fails_again_and_has_no_effect(self, forecaster):
        customer = customer_without_contract()

        (result,) = replayed(forecaster.fails(customer.public_id))

        assert (result.state, result.status, result.reason) == (FAILED, 409, "conflict")
        assert record(result.request_id).status == 409
        assert forecasts_of(customer) == []

    def test_the_exact_body_is_sent_again(self, forecaster):
        customer = customer_without_contract()
        answer = forecaster.fails(customer.public_id)
        mend(customer)

        (result,) = replayed(answer)

        again, original = record(result.request_id), record(ids_of(answer)[0])
        assert bytes(again.request_sha256) == bytes(original.request_sha256)
        assert again.path == original.path


class TestTheTrail:
    def test_a_replay_says_what_it_repeats_in_which_batch_and_for_whom(self, forecaster):
        customer = customer_without_contract()
        answer = forecaster.fails(customer.public_id)
        mend(customer)
        batch = batch_of(plan_of(answer))

        (result,) = run(batch)

        made = record(result.request_id)
        assert (made.replay_of, made.replay_batch, made.replay_mode, made.replay_operator) == (
            ids_of(answer)[0],
            batch.name,
            "execute",
            OPERATOR,
        )
        assert (made.client_id, made.decision) == (forecaster.client.client_id, "allowed")

    def test_the_original_never_changes(self, forecaster):
        customer = customer_without_contract()
        answer = forecaster.fails(customer.public_id)
        before = leaf_of(ids_of(answer)[0])
        mend(customer)

        replayed(answer)

        assert leaf_of(ids_of(answer)[0]) == before

    def test_nothing_is_taken_from_the_limit_of_the_client(self, forecaster):
        customer = customer_without_contract()
        answers = [forecaster.fails(customer.public_id) for _ in range(5)]
        before = int(forecaster.http.read("/finance/forecast/x")["X-RateLimit-Remaining"])

        replayed(*answers)

        after = int(forecaster.http.read("/finance/forecast/x")["X-RateLimit-Remaining"])
        assert after == before - 1

    def test_a_settled_item_can_be_neither_unsettled_nor_removed(self, forecaster):
        customer = customer_without_contract()
        batch = batch_of(plan_of(forecaster.fails(customer.public_id)))
        run(batch)

        with pytest.raises(DatabaseError, match="never changes"):
            batch.items.update(state=PENDING, settled_at=None)
        with pytest.raises(DatabaseError, match="never changes"):
            batch.items.all().delete()


class TestOnce:
    def test_what_succeeded_then_is_not_sent_again(self, forecaster):
        customer = customer_with_contract()
        batch = batch_of(plan_of(forecaster.submits(customer.public_id)))

        assert run(batch) == []

        assert batch.items.get().reason == Obstacle.SUCCEEDED
        assert len(forecasts_of(customer)) == 1

    def test_what_succeeded_in_an_earlier_batch_is_not_sent_again(self, forecaster):
        customer = customer_without_contract()
        answer = forecaster.fails(customer.public_id)
        mend(customer)
        first, second = batch_of(plan_of(answer)), batch_of(plan_of(answer))
        run(first)

        (result,) = run(second)

        assert (result.state, result.reason) == (SKIPPED, Obstacle.REPLAYED)
        assert len(forecasts_of(customer)) == 1

    def test_what_the_client_has_sent_again_itself_is_left_alone(self, forecaster):
        customer = customer_without_contract()
        answer = forecaster.fails(customer.public_id, **{"Idempotency-Key": "k-mine"})
        batch = batch_of(plan_of(answer))
        mend(customer)
        forecaster.submits(customer.public_id, **{"Idempotency-Key": "k-mine"})

        (result,) = run(batch)

        assert (result.state, result.reason) == (SKIPPED, Obstacle.SUCCEEDED_LATER)
        assert len(forecasts_of(customer)) == 1

    def test_attempts_with_one_key_have_one_effect(self, forecaster):
        customer = customer_without_contract()
        key = {"Idempotency-Key": "k-thrice"}
        answers = [forecaster.fails(customer.public_id, **key) for _ in range(3)]
        mend(customer)

        results = replayed(*answers)

        assert [result.state for result in results] == [DONE, SKIPPED, SKIPPED]
        assert len(forecasts_of(customer)) == 1

    def test_the_key_of_the_request_is_sent_again_and_its_id_where_it_had_none(self, forecaster):
        customer = customer_without_contract()
        keyed = forecaster.fails(customer.public_id, **{"Idempotency-Key": "k-own"})
        unkeyed = forecaster.fails(customer.public_id)
        mend(customer)

        replayed(keyed, unkeyed)

        stored = IdempotencyRecord.objects.filter(application=forecaster.client)
        assert set(stored.values_list("key", flat=True)) == {"k-own", str(ids_of(unkeyed)[0])}

    def test_the_key_of_a_request_that_was_refused_before_its_key_mattered_is_kept(self):
        """A throttled or forbidden request is repeated under the key that its client may repeat."""
        forecaster = Forecaster()
        forecaster.client.scopes = []
        forecaster.client.save()
        customer = customer_with_contract()
        refused = forecaster.submits(customer.public_id, **{"Idempotency-Key": "k-early"})
        assert refused.status_code == 403
        forecaster.client.scopes = ["cs-finance.write"]
        forecaster.client.save()
        forecaster.submits(customer.public_id, **{"Idempotency-Key": "k-early"})

        (item,) = plan_of(refused).items

        assert item.obstacle == Obstacle.SUCCEEDED_LATER

    def test_an_item_that_somebody_else_settled_meanwhile_keeps_neither_effect_nor_record(
        self, forecaster
    ):
        customer = customer_without_contract()
        answer = forecaster.fails(customer.public_id)
        mend(customer)
        plan = plan_of(answer)
        item = batch_of(plan).items.select_related("batch").get()
        ReplayItem.objects.filter(pk=item.pk).update(state=DONE, settled_at=timezone.now())

        sending.send(item, proven=plan.items[0].leaf_hash, again=True)

        assert forecasts_of(customer) == []
        assert not AuditRecord.objects.filter(replay_of=ids_of(answer)[0]).exists()

    def test_two_batches_at_once_cannot_both_succeed_with_one_request(self, forecaster):
        customer = customer_without_contract()
        answer = forecaster.fails(customer.public_id)
        first, second = batch_of(plan_of(answer)), batch_of(plan_of(answer))
        now, (record_id,) = timezone.now(), ids_of(answer)
        settled = {"state": DONE, "settled_at": now, "is_final": True}
        first.items.update(**settled)

        with pytest.raises(DatabaseError, match="audit_replay_item_final"):
            second.items.update(**settled)
        assert ReplayItem.objects.filter(record_id=record_id, is_final=True).count() == 1

    def test_again_runs_what_succeeded_under_a_new_key(self, forecaster):
        customer = customer_with_contract()
        answer = forecaster.submits(customer.public_id, **{"Idempotency-Key": "k-1"})
        forecaster.submits(customer.public_id)  # else the same forecast would be in force
        batch = batch_of(plan_of(answer, again=True))

        (result,) = run(batch)

        assert (result.state, result.status, result.reason) == (DONE, 201, "")
        assert len(forecasts_of(customer)) == 3

    def test_again_runs_attempts_that_shared_a_key_as_one(self, forecaster):
        customer = customer_with_contract()
        key = {"Idempotency-Key": "k-twice"}
        first = forecaster.submits(customer.public_id, **key)
        forecaster.sent -= 1
        second = forecaster.submits(customer.public_id, **key)
        assert second["Idempotent-Replayed"] == "true"
        forecaster.submits(customer.public_id)
        before = len(forecasts_of(customer))

        results = run(batch_of(plan_of(first, second, again=True)))

        assert [result.reason for result in results] == ["", sending.ANSWERED_BEFORE]
        assert len(forecasts_of(customer)) == before + 1


class TestRefusals:
    def test_a_client_that_was_revoked_since_the_plan_is_refused(self, forecaster):
        customer = customer_without_contract()
        batch = batch_of(plan_of(forecaster.fails(customer.public_id)))
        mend(customer)
        forecaster.client.is_active = False
        forecaster.client.save()

        (result,) = run(batch)

        assert (result.state, result.reason) == (REFUSED, Obstacle.CLIENT_GONE)
        assert (result.status, result.request_id) == (None, None)
        assert forecasts_of(customer) == []

    def test_a_scope_that_was_lost_since_the_plan_is_refused(self, forecaster):
        customer = customer_without_contract()
        batch = batch_of(plan_of(forecaster.fails(customer.public_id)))
        mend(customer)
        forecaster.client.scopes = ["cs-finance.read"]
        forecaster.client.save()

        (result,) = run(batch)

        assert (result.state, result.reason) == (REFUSED, Obstacle.SCOPE_LOST)
        assert forecasts_of(customer) == []

    def test_a_record_that_was_altered_before_the_run_is_refused(self, forecaster):
        mine, other = customer_without_contract(), customer_without_contract()
        answer = forecaster.fails(mine.public_id)
        batch = batch_of(plan_of(answer))
        mend(mine, other)

        with altered(ids_of(answer)[0], "customer_id", other.public_id):
            (result,) = run(batch)

        assert (result.state, result.reason) == (REFUSED, Obstacle.PROOF_BROKEN)
        assert forecasts_of(mine) == forecasts_of(other) == []

    def test_a_record_that_is_altered_while_the_batch_runs_is_refused(self, forecaster):
        customer = customer_without_contract()
        first, second = forecaster.fails(customer.public_id), forecaster.fails(customer.public_id)
        batch = batch_of(plan_of(first, second))
        mend(customer)
        proven = executing._proven(list(batch.items.all()), again=False)

        with altered(ids_of(second)[0], "path", "/v1/cs-integrations/finance/forecast/cust_x"):
            item = batch.items.select_related("batch").get(record_id=ids_of(second)[0])
            result = sending.send(item, proven=proven[item.record_id], again=False)

        assert (result.state, result.reason) == (REFUSED, Obstacle.PROOF_BROKEN)
