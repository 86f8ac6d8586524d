"""GET /product/feedback/status/{ticket_id}"""

from datetime import date, timedelta

import pytest

from product.models import Priority, ProductTicket
from tests.clients import problem_of, record_of
from tests.factories import NOON, CustomerFactory
from tests.product.factories import (
    FeatureFactory,
    FeedbackFactory,
    ProductTicketFactory,
    RoadmapItemFactory,
)

pytestmark = pytest.mark.django_db


def status_of(api, ticket, query=""):
    return api.read(f"/product/feedback/status/{ticket.public_id}{query}").json()


def test_it_follows_the_specified_example(api):
    CustomerFactory(public_id="cust_789")
    RoadmapItemFactory(feature=FeatureFactory(public_id="feat_101"), year=2027, quarter=2)
    body = {"customer_id": "cust_789", "feature_id": "feat_101", "impact_score": 9}
    created = api.send("/product/feedback", {**body, "evidence": "usage_screenshot_url"})

    answer = api.get(created["Location"])

    assert answer.status_code == 200
    assert list(answer.json().items()) == [
        ("ticket_id", created.json()["ticket_id"]),
        ("status", "open"),
        ("priority", "P1"),
        ("roadmap_position", "Q2_target"),
        ("target_date", "2027-06-30"),
        ("feedback_count", 1),
    ]


def test_it_counts_what_the_ticket_answers(api):
    ticket = FeedbackFactory().ticket
    FeedbackFactory.create_batch(2, ticket=ticket, customer=ticket.customer, feature=ticket.feature)
    FeedbackFactory(feature=ticket.feature)

    assert status_of(api, ticket)["feedback_count"] == 3


def test_the_backlog_has_no_date_and_says_so(api):
    ticket = FeedbackFactory(ticket__priority=Priority.P3, ticket__target_date=None).ticket

    answer = status_of(api, ticket, "?explain=true")

    assert (answer["roadmap_position"], answer["target_date"]) == ("backlog", None)
    assert answer["explanation"]["reasons"] == [
        "target_date is null: the ticket is in the backlog."
    ]


def test_a_new_roadmap_item_moves_an_open_ticket(api):
    ticket = ProductTicketFactory()
    assert status_of(api, ticket)["roadmap_position"] == "Q3_target"

    RoadmapItemFactory(feature=ticket.feature, year=2026, quarter=4)

    answer = status_of(api, ticket)
    assert (answer["roadmap_position"], answer["target_date"]) == ("Q4_target", "2026-12-31")


def test_a_quarter_that_has_passed_gives_way_to_the_priority(api):
    ticket = ProductTicketFactory(target_date=date(2026, 3, 31))

    answer = status_of(api, ticket, "?explain=true")

    assert (answer["roadmap_position"], answer["target_date"]) == ("Q3_target", "2026-09-30")
    assert answer["explanation"]["inputs"]["target_date_given"] == "2026-03-31"
    assert answer["explanation"]["steps"]["position_basis"] == "priority"


@pytest.mark.parametrize("status", [ProductTicket.Status.DELIVERED, ProductTicket.Status.DECLINED])
def test_a_closed_ticket_stays_where_it_was(api, status):
    ticket = ProductTicketFactory(status=status, closed_at=NOON, target_date=date(2026, 3, 31))
    RoadmapItemFactory(feature=ticket.feature, year=2026, quarter=4)

    answer = status_of(api, ticket)

    assert (answer["status"], answer["roadmap_position"]) == (status.value, "Q1_target")
    assert answer["target_date"] == "2026-03-31"


def test_it_explains_itself(api):
    ticket = FeedbackFactory(feature__public_id="feat_101").ticket

    assert status_of(api, ticket, "?explain=true")["explanation"] == {
        "rule_id": "product.roadmap",
        "rule_version": "1",
        "inputs": {
            "feature_id": "feat_101",
            "as_of": "2026-06-15",
            "opened_at": (NOON - timedelta(days=10)).isoformat(),
            "latest_feedback_at": (NOON - timedelta(days=10)).isoformat(),
            "closed_at": None,
            "target_date_given": "2026-09-30",
        },
        "steps": {"priority_score": 74, "position_basis": "promise"},
        "sample_size": None,
        "reasons": [],
    }


@pytest.mark.parametrize(
    "ticket_id",
    ["PROD-999999999", "PROD-0", "PROD-01", "PROD--1", "PROD-9999999999999999999", "prod-1",
     "PROD-1%0a", "PROD-%D9%A1", "1", "feat_101"],
)  # fmt: skip
def test_an_unknown_ticket_is_not_found(api, ticket_id):
    answer = api.read(f"/product/feedback/status/{ticket_id}")

    assert problem_of(answer) == (404, "not-found", [])
    assert answer.json()["detail"] == "There is no product ticket with this id."


def test_the_record_names_the_ticket(api):
    ticket = ProductTicketFactory()

    record = record_of(api.read(f"/product/feedback/status/{ticket.public_id}"))

    assert (record.operation, record.status) == ("product_feedback_status", 200)
    assert record.object_ids == [ticket.public_id]
    assert record.customer_id == ticket.customer.public_id


def test_reading_needs_the_read_scope(client_with):
    path = f"/product/feedback/status/{ProductTicketFactory().public_id}"

    assert client_with("cs-product.write").read(path).status_code == 403
    assert client_with("cs-product.read").read(path).status_code == 200
