"""A replay killed by SIGKILL and resumed: nothing runs twice, nothing is skipped."""

import os
import subprocess
import sys
import time
from collections import Counter

import pytest
from django.conf import settings

from audit.models import AuditRecord, ReplayBatch
from tests.audit.replay.running import (
    DONE,
    PENDING,
    Forecaster,
    batch_of,
    customer_without_contract,
    forecasts_of,
    ids_of,
    mend,
    plan_of,
)
from tests.servers import database_url

CUSTOMERS, REQUESTS = 6, 60
KILLS = 3
DEADLINE_S = 90


def resumed(batch):
    """Run the batch in a process of its own, as an operator would."""
    command = [sys.executable, "manage.py", "replay", "--resume", batch.name, "--rate", "60/s"]
    return subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url()},
        stdout=subprocess.DEVNULL,
    )


def wait_until_settled(batch, count):
    deadline = time.monotonic() + DEADLINE_S
    while batch.items.exclude(state=PENDING).count() < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_every_request_has_one_effect_in_the_order_of_its_customer():
    forecaster = Forecaster()
    customers = [customer_without_contract() for _ in range(CUSTOMERS)]
    answers = [
        forecaster.fails(customers[number % CUSTOMERS].public_id) for number in range(REQUESTS)
    ]
    batch = batch_of(plan_of(*answers))
    mend(*customers)

    for kill in range(1, KILLS + 1):
        process = resumed(batch)
        wait_until_settled(batch, kill * REQUESTS // (KILLS + 2))
        process.kill()
        process.wait()
        batch.refresh_from_db()
        assert batch.state == ReplayBatch.State.RUNNING  # it had no chance to say otherwise
        assert batch.items.filter(state=PENDING).exists()
    assert resumed(batch).wait(timeout=DEADLINE_S) == 0

    batch.refresh_from_db()
    assert batch.state == ReplayBatch.State.FINISHED
    assert set(batch.items.values_list("state", flat=True)) == {DONE}
    replays = AuditRecord.objects.filter(replay_batch=batch.name).order_by("received_at")
    assert Counter(replays.values_list("replay_of", flat=True)) == Counter(ids_of(*answers))
    for place, customer in enumerate(customers):
        own = replays.filter(customer_id=customer.public_id)
        assert tuple(own.values_list("replay_of", flat=True)) == ids_of(*answers[place::CUSTOMERS])
        effects = [forecast.public_id for forecast in forecasts_of(customer)]
        assert [made.object_ids[-1] for made in own] == effects
        assert len(effects) == REQUESTS // CUSTOMERS
