"""POST /product/feedback, several at the same time"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from product.models import Feedback, ProductTicket
from tests.clients import HubClient, issue_token
from tests.factories import CustomerFactory, HealthSnapshotFactory
from tests.product.factories import FeatureFactory

pytestmark = pytest.mark.django_db(transaction=True)

TOGETHER = 4


def send_together(bodies):
    """Send every body from a thread of its own, all at one moment."""
    token = issue_token(["cs-product.write"]).raw
    gate = Barrier(len(bodies))

    def send(body):
        try:
            gate.wait(timeout=10)
            return HubClient(token=token).send("/product/feedback", body)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(send, bodies))


def test_duplicates_open_one_ticket():
    body = {
        "customer_id": CustomerFactory().public_id,
        "feature_id": FeatureFactory().public_id,
        "impact_score": 9,
        "evidence": "usage_screenshot_url",
    }

    answers = send_together([body] * TOGETHER)

    assert [answer.status_code for answer in answers] == [201] * TOGETHER
    assert len({answer.content for answer in answers}) == 1
    assert sorted(answer.get("Idempotent-Replayed", "") for answer in answers) == [
        "",
        *["true"] * (TOGETHER - 1),
    ]
    assert Feedback.objects.count() == 1


def test_customers_that_report_together_count_each_other():
    feature = FeatureFactory()
    customers = CustomerFactory.create_batch(TOGETHER)
    for customer in customers:
        HealthSnapshotFactory(customer=customer, score=70)

    send_together(
        [
            {
                "customer_id": customer.public_id,
                "feature_id": feature.public_id,
                "impact_score": 5,
                "evidence": "usage_screenshot_url",
            }
            for customer in customers
        ]
    )

    # 20 + 14 + 16 + 14: four reporters, whoever was first.
    assert {ticket.priority_score for ticket in ProductTicket.objects.all()} == {64}
    assert sorted(Feedback.objects.values_list("reporters", flat=True)) == [1, 2, 3, 4]
