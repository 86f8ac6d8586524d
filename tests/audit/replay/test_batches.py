"""A batch as a whole: its order and pace, stopping, resuming, and how it is stored."""

import os
import signal
import threading
import time
from itertools import pairwise
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone

from audit.models import ReplayBatch
from audit.replay import executing
from audit.replay.executing import BatchRefused, BatchStopped
from tests.audit.replay.running import (
    DONE,
    FAILED,
    OPERATOR,
    PENDING,
    SKIPPED,
    Forecaster,
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
from tests.forecasts import customer_with_contract

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def forecaster():
    return Forecaster()


class TestOrder:
    def test_requests_about_one_customer_keep_their_order_and_customers_run_side_by_side(
        self, forecaster
    ):
        customers = [customer_without_contract() for _ in range(4)]
        answers = [forecaster.fails(customer.public_id) for _ in range(6) for customer in customers]
        mend(*customers)

        results = replayed(*answers, parallel=4)

        assert {result.state for result in results} == {DONE}
        assert {result.lane for result in results} == {one.public_id for one in customers}
        for place, customer in enumerate(customers):
            replays = [record(one.request_id) for one in results if one.lane == customer.public_id]
            by_arrival = sorted(replays, key=lambda made: made.received_at)
            assert tuple(made.replay_of for made in by_arrival) == ids_of(*answers[place::4])
            for earlier, later in pairwise(by_arrival):
                assert earlier.answered_at <= later.received_at
            assert [made.object_ids[-1] for made in by_arrival] == [
                forecast.public_id for forecast in forecasts_of(customer)
            ]
        begun = sorted(results, key=lambda one: record(one.request_id).received_at)
        assert len({one.lane for one in begun[:6]}) > 1

    def test_the_pace_is_kept_over_all_lanes(self, forecaster):
        customers = [customer_without_contract() for _ in range(4)]
        answers = [forecaster.fails(customer.public_id) for customer in customers for _ in range(3)]

        started = time.monotonic()
        replayed(*answers, parallel=4, rate=20)

        assert time.monotonic() - started >= 11 / 20


def send_next(signals):
    """Send this process one of the signals: a second one would end it."""
    for signum in signals:
        os.kill(os.getpid(), signum)
        return


class TestStoppingAndResuming:
    def test_it_stops_after_so_many_errors_and_goes_on_where_it_stopped(self, forecaster):
        customer = customer_without_contract()
        answers = [forecaster.fails(customer.public_id) for _ in range(20)]
        batch = batch_of(plan_of(*answers))

        first = run(batch, until_errors=2)

        batch.refresh_from_db()
        assert batch.state == ReplayBatch.State.STOPPED
        assert 2 <= len(first) < 20
        mend(customer)
        rest = run(batch)
        batch.refresh_from_db()
        assert batch.state == ReplayBatch.State.FINISHED
        assert {result.state for result in rest} == {DONE}
        assert [item.record_id for item in first + rest] == list(ids_of(*answers))
        assert len(forecasts_of(customer)) == 20 - len(first)

    @pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_lets_running_requests_finish(self, forecaster, signum):
        customer = customer_without_contract()
        batch = batch_of(plan_of(*(forecaster.fails(customer.public_id) for _ in range(20))))

        signals, usual = iter([signum]), signal.getsignal(signum)
        results = run(batch, on_item=lambda _result: send_next(signals), rate=100)

        batch.refresh_from_db()
        assert batch.state == ReplayBatch.State.STOPPED
        assert 1 <= len(results) < 20
        assert batch.items.exclude(state=PENDING).count() == len(results)
        assert signal.getsignal(signum) == usual

    def test_a_request_that_cannot_be_recorded_stays_pending_and_stops_the_batch(self, forecaster):
        customer = customer_without_contract()
        batch = batch_of(plan_of(*(forecaster.fails(customer.public_id) for _ in range(3))))
        mend(customer)

        with without_the_right_to_insert("audit_record"), pytest.raises(BatchStopped):
            run(batch)

        assert set(batch.items.values_list("state", flat=True)) == {PENDING}
        assert forecasts_of(customer) == []
        assert {result.state for result in run(batch)} == {DONE}
        assert len(forecasts_of(customer)) == 3

    def test_an_error_of_the_listener_stops_the_batch(self, forecaster):
        customer = customer_without_contract()
        batch = batch_of(plan_of(*(forecaster.fails(customer.public_id) for _ in range(9))))

        def broken_pipe(_result):
            raise BrokenPipeError

        with pytest.raises(BrokenPipeError):
            run(batch, on_item=broken_pipe, rate=100)

        batch.refresh_from_db()
        assert batch.state == ReplayBatch.State.STOPPED

    def test_a_batch_that_runs_is_refused_to_everybody_else(self, forecaster):
        customer = customer_without_contract()
        batch = batch_of(plan_of(forecaster.fails(customer.public_id)))
        refusals = []

        def try_twice():
            for attempt in (lambda: run(batch), lambda: executing.cancel(batch.name, at=None)):
                try:
                    attempt()
                except BatchRefused as refusal:
                    refusals.append(str(refusal))
            connections.close_all()

        with executing.claimed(batch):
            other = threading.Thread(target=try_twice)
            other.start()
            other.join()

        assert refusals == [f"The batch {batch.name} is running in another process."] * 2
        assert [result.state for result in run(batch)] == [FAILED]

    def test_a_run_begins_when_the_last_statement_of_a_dead_one_is_over(self, forecaster):
        batch = batch_of(plan_of(forecaster.fails(customer_without_contract().public_id)))
        is_at_work, ended = threading.Event(), []

        def die_slowly():
            with executing._at_work(batch.pk):
                is_at_work.set()
                time.sleep(0.5)
                ended.append(timezone.now())
            connections.close_all()

        former = threading.Thread(target=die_slowly)
        former.start()
        is_at_work.wait()
        (result,) = run(batch)
        former.join()

        assert record(result.request_id).received_at > ended[0]

    def test_a_cancelled_batch_never_runs(self, forecaster):
        customer = customer_without_contract()
        batch = batch_of(plan_of(forecaster.fails(customer.public_id)))
        mend(customer)

        executing.cancel(batch.name, at=timezone.now())

        with pytest.raises(BatchRefused, match="cancelled"):
            run(batch)
        item = batch.items.get()
        assert (item.state, item.reason) == (SKIPPED, executing.CANCELLED)
        assert forecasts_of(customer) == []

    def test_a_finished_batch_does_not_run_again(self, forecaster):
        batch = batch_of(plan_of(forecaster.fails(customer_without_contract().public_id)))
        run(batch)

        with pytest.raises(BatchRefused, match="finished"):
            run(batch)


class TestStoring:
    def test_a_batch_is_stored_with_all_its_items_before_it_begins(self, forecaster):
        customer = customer_with_contract()
        done = forecaster.submits(customer.public_id)
        failed = forecaster.submits("cust_nobody")
        plan = plan_of(done, failed)

        batch = batch_of(plan)

        assert (batch.state, batch.plan_hash) == (ReplayBatch.State.PLANNED, plan.hash)
        assert list(batch.items.order_by("position").values_list("record_id", "state")) == [
            (UUID(done["X-Request-ID"]), SKIPPED),
            (UUID(failed["X-Request-ID"]), PENDING),
        ]

    def test_a_name_is_used_once(self, forecaster):
        plan = plan_of(forecaster.submits("cust_nobody"))
        batch = batch_of(plan)

        with pytest.raises(BatchRefused, match="already"):
            batch_of(plan, name=batch.name)

    @pytest.mark.parametrize("name", ["", "two words", "é", "-x", "x" * 65, "a\n"])
    def test_a_name_can_be_written_anywhere(self, name, forecaster):
        plan = plan_of(forecaster.submits("cust_nobody"))

        with pytest.raises(BatchRefused, match="1 to 64"):
            executing.store(
                plan, name=name, operator=OPERATOR, selection=executing.RecordFilter(), at=None
            )
