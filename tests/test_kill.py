"""Workers killed by SIGKILL while they serve: nothing is lost, nothing is doubled."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import psutil
import pytest

from audit.models import AuditRecord
from finance.models import ForecastAdjustment
from tests.clients import API, issue_token
from tests.forecasts import FORECAST, customer_with_contract
from tests.servers import serving

CALLERS = 4
REQUESTS = 48
KILLS = 5
ATTEMPTS = 200


def send_until_answered(server, token, customer_id, key):
    """Repeat a keyed request until it is answered; return the ids of the answers and the last."""
    for _ in range(ATTEMPTS):
        try:
            status, headers, body = server.request(
                "POST",
                f"{API}/finance/forecast/{customer_id}",
                body=json.dumps(FORECAST).encode(),
                Authorization=f"Bearer {token}",
                **{"Content-Type": "application/json", "Idempotency-Key": key},
            )
        except (OSError, HTTPException):
            time.sleep(0.1)
            continue
        if status == 201:
            return headers["X-Request-ID"], json.loads(body)["forecast_id"]
        assert status in (409, 503), body
        time.sleep(0.05)
    raise AssertionError(f"{key} was never answered")


def kill_workers(server, finished):
    for _ in range(KILLS):
        time.sleep(0.7)
        if finished.is_set():
            return
        for worker in server.workers():
            try:
                worker.kill()
            except psutil.NoSuchProcess:
                continue


@pytest.mark.django_db(transaction=True)
def test_every_key_has_one_effect_and_every_answer_its_record():
    issued = issue_token(["cs-finance.write"], rate_limits={"finance": 1_000_000})
    customers = [customer_with_contract() for _ in range(REQUESTS)]
    finished = threading.Event()
    with serving() as server:
        killer = threading.Thread(target=kill_workers, args=(server, finished))
        killer.start()
        with ThreadPoolExecutor(CALLERS) as pool:
            answers = list(
                pool.map(
                    lambda customer: send_until_answered(
                        server, issued.raw, customer.public_id, f"kill-{customer.public_id}"
                    ),
                    customers,
                )
            )
        finished.set()
        killer.join()

    effects = dict(ForecastAdjustment.objects.values_list("customer__public_id", "public_id"))
    assert ForecastAdjustment.objects.count() == REQUESTS
    assert [effects[customer.public_id] for customer in customers] == [
        forecast_id for _, forecast_id in answers
    ]
    ids = [request_id for request_id, _ in answers]
    assert AuditRecord.objects.filter(pk__in=ids, status=201).count() == len(set(ids)) == REQUESTS
    recorded = AuditRecord.objects.filter(client_id=issued.application.client_id, status=201)
    assert recorded.filter(idempotency_outcome="new").count() == REQUESTS
