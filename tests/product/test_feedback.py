"""POST /product/feedback"""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cs_integrations.customers.models import Segment
from product.models import Feedback, Priority, ProductTicket
from tests.clients import API, problem_of
from tests.factories import NOON, TODAY, CustomerFactory, HealthSnapshotFactory
from tests.product.factories import (
    FeatureFactory,
    FeedbackFactory,
    ProductTicketFactory,
    RoadmapItemFactory,
)

pytestmark = pytest.mark.django_db

PATH = "/product/feedback"
BODY = {
    "customer_id": "cust_789",
    "feature_id": "feat_101",
    "impact_score": 9,
    "evidence": "usage_screenshot_url",
}
OTHER_EVIDENCE = {**BODY, "evidence": "https://support.example.com/tickets/2"}


def report(api, **members):
    return api.send(PATH, {**BODY, **members}).json()


def explained(api, **members):
    return api.send(f"{PATH}?explain=true", {**BODY, **members}).json()["explanation"]


# --- answer --------------------------------------------------------------------------------


def test_it_gives_the_specified_example(api, reported):
    customer, feature = reported
    RoadmapItemFactory(feature=feature, year=2027, quarter=2)

    answer = api.send(PATH, BODY)

    assert answer.status_code == 201
    ticket = ProductTicket.objects.get()
    assert list(answer.json().items()) == [
        ("ticket_id", f"PROD-{ticket.number}"),
        ("priority", "P1"),
        ("roadmap_position", "Q2_target"),
    ]
    assert answer["Location"] == f"{API}/product/feedback/status/PROD-{ticket.number}"
    assert "Idempotent-Replayed" not in answer.headers
    assert (ticket.customer, ticket.feature, ticket.status) == (customer, feature, "open")
    assert (ticket.priority_score, ticket.target_date) == (74, date(2027, 6, 30))
    assert (ticket.opened_at, ticket.changed_at, ticket.closed_at) == (NOON, NOON, None)


def test_it_keeps_the_submission_and_what_its_score_was_made_from(api, reported):
    details = {"type": "bug", "category": "editor", "description": "Seen by the whole team."}

    api.send(PATH, {**BODY, **details})

    kept = Feedback.objects.get()
    assert (kept.impact_score, kept.evidence) == (9, "usage_screenshot_url")
    assert (kept.kind, kept.category) == ("bug", "editor")
    assert kept.description == "Seen by the whole team."
    assert (kept.segment, kept.reporters, kept.health_score) == ("enterprise", 1, Decimal("71.5"))
    assert [kept.impact_points, kept.tier_points, kept.prevalence_points, kept.risk_points] == [
        90, 100, 20, 70,
    ]  # fmt: skip
    assert (kept.answered_priority, kept.answered_position) == ("P1", "Q3_target")
    assert kept.submitted_at == NOON


@pytest.mark.parametrize(
    ("impact", "score", "expected"),
    [
        (10, 100, ("P0", "Q2_target")),
        (9, 96, ("P0", "Q2_target")),
        (5, 80, ("P1", "Q3_target")),
        (1, 64, ("P2", "Q4_target")),
    ],
)
def test_impact_moves_the_priority_and_with_it_the_quarter(api, feature, impact, score, expected):
    customer = CustomerFactory(public_id="cust_789", segment=Segment.ENTERPRISE)
    HealthSnapshotFactory(customer=customer, score=45)
    FeedbackFactory.create_batch(9, feature=feature, ticket__delivered=True)

    answer = report(api, impact_score=impact)

    assert Feedback.objects.latest("pk").priority_score == score
    assert (answer["priority"], answer["roadmap_position"]) == expected


def test_a_green_small_business_waits_in_the_backlog(api, feature):
    customer = CustomerFactory(public_id="cust_789", segment=Segment.SMALL_BUSINESS)
    HealthSnapshotFactory(customer=customer, score=88)

    answer = report(api, impact_score=3)

    assert (answer["priority"], answer["roadmap_position"]) == ("P3", "backlog")
    assert ProductTicket.objects.get().target_date is None


def test_worse_health_raises_the_score(api, reported):
    customer, _ = reported
    HealthSnapshotFactory(customer=customer, score=50, measured_date=TODAY + timedelta(days=1))
    assert explained(api)["steps"]["priority_score"] == 74  # tomorrow's is not known yet

    HealthSnapshotFactory(customer=customer, score=99, source="api_trigger", measured_date=TODAY)
    customer_in_red = CustomerFactory(public_id="cust_45", segment=Segment.ENTERPRISE)
    HealthSnapshotFactory(customer=customer_in_red, score=45)
    other = FeatureFactory()

    assert explained(api, customer_id="cust_45", feature_id=other.public_id)["steps"] == {
        "impact_points": 90,
        "tier_points": 100,
        "prevalence_points": 20,
        "risk_points": 100,
        "priority_score": 80,
        "ticket_score": 80,
        "position_basis": "priority",
    }


def test_without_health_the_other_parts_decide(api, feature):
    CustomerFactory(public_id="cust_789", segment=Segment.ENTERPRISE)

    explanation = explained(api)

    assert explanation["steps"]["risk_points"] is None
    assert explanation["steps"]["priority_score"] == 75  # (36 + 20 + 4) / .8
    assert explanation["reasons"] == [
        "The risk part was left out: the customer has no computed health yet."
    ]


def test_a_roadmap_item_decides_over_the_priority(api, reported):
    _, feature = reported
    RoadmapItemFactory(feature=feature, year=2026, quarter=1)
    RoadmapItemFactory(feature=feature, year=2026, quarter=2, status="canceled")
    assert report(api)["roadmap_position"] == "Q3_target"

    RoadmapItemFactory(feature=feature, year=2026, quarter=4, status="in_progress")

    assert report(api, evidence="further evidence")["roadmap_position"] == "Q4_target"


# --- prevalence ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days_ago", "reporters"), [pytest.param(90, 2, id="90 days"), pytest.param(91, 1, id="91")]
)
def test_other_customers_count_for_90_days(api, reported, days_ago, reporters):
    _, feature = reported
    FeedbackFactory(feature=feature, submitted_at=NOON - timedelta(days=days_ago))

    assert explained(api)["inputs"]["customers_reporting"] == reporters


def test_each_customer_counts_once_and_only_for_this_feature(api, reported):
    customer, feature = reported
    ticket = ProductTicketFactory(feature=feature, customer=customer)
    FeedbackFactory.create_batch(2, feature=feature, customer=customer, ticket=ticket)
    FeedbackFactory(customer=customer)
    FeedbackFactory()

    assert explained(api, evidence="new")["inputs"]["customers_reporting"] == 1


def test_one_more_reporter_raises_the_open_tickets_of_the_others(api, reported):
    _, feature = reported
    waiting = FeedbackFactory(
        feature=feature,
        tier_points=40,
        priority_score=62,
        ticket__priority=Priority.P2,
        ticket__priority_score=62,
        ticket__target_date=date(2026, 12, 31),
    ).ticket
    closed = FeedbackFactory(feature=feature, ticket__delivered=True).ticket
    elsewhere = FeedbackFactory().ticket

    report(api)

    waiting.refresh_from_db()
    assert (waiting.priority, waiting.priority_score) == (Priority.P1, 68)
    assert (waiting.target_date, waiting.changed_at) == (date(2026, 9, 30), NOON)
    for untouched in (closed, elsewhere):
        untouched.refresh_from_db()
        assert (untouched.priority_score, untouched.changed_at) == (74, untouched.opened_at)


def test_tickets_do_not_fall_when_fewer_customers_report(api, reported):
    _, feature = reported
    ticket = FeedbackFactory(
        feature=feature,
        submitted_at=NOON - timedelta(days=100),
        ticket__priority=Priority.P0,
        ticket__priority_score=90,
    ).ticket

    report(api)

    ticket.refresh_from_db()
    assert (ticket.priority, ticket.priority_score) == (Priority.P0, 90)


def test_many_open_tickets_cost_no_more_queries_than_two(api, reported):
    _, feature = reported
    other = FeatureFactory()
    FeedbackFactory.create_batch(2, feature=other)
    FeedbackFactory.create_batch(9, feature=feature)

    for _ in range(2):  # makes the month's data key, then remembers it
        api.send("/product/feedback", {})
    with CaptureQueriesContext(connection) as for_two:
        report(api, feature_id=other.public_id)
    with CaptureQueriesContext(connection) as for_nine:
        report(api)

    assert len(for_nine) == len(for_two)


# --- one ticket a customer and feature -------------------------------------------------------


def test_new_evidence_strengthens_the_open_ticket(api, reported):
    first = report(api, impact_score=3)
    assert first["priority"] == "P2"

    second = report(api, **{**OTHER_EVIDENCE, "impact_score": 10})

    assert second["ticket_id"] == first["ticket_id"]
    assert (second["priority"], second["roadmap_position"]) == ("P1", "Q3_target")
    assert ProductTicket.objects.get().priority_score == 78
    assert Feedback.objects.count() == 2


def test_weaker_evidence_does_not_weaken_the_ticket(api, reported):
    report(api)

    answer = api.send(f"{PATH}?explain=true", {**OTHER_EVIDENCE, "impact_score": 1}).json()

    assert (answer["priority"], answer["roadmap_position"]) == ("P1", "Q3_target")
    explanation = answer["explanation"]
    assert (explanation["steps"]["priority_score"], explanation["steps"]["ticket_score"]) == (
        42,
        74,
    )
    assert explanation["reasons"] == [
        "This submission alone is P3; earlier feedback on its ticket makes it P1."
    ]


def test_a_promised_quarter_is_kept(api, reported, time_machine, client_with):
    report(api, impact_score=9)
    time_machine.move_to(NOON + timedelta(days=30), tick=False)  # the third quarter
    later = client_with("cs-product.write")

    answer = later.send(f"{PATH}?explain=true", OTHER_EVIDENCE).json()

    assert answer["roadmap_position"] == "Q3_target"  # by the priority alone it would be Q4
    assert answer["explanation"]["steps"]["position_basis"] == "promise"


def test_a_closed_ticket_is_not_opened_again(api, reported):
    first = report(api)
    ProductTicket.objects.update(status="declined", closed_at=NOON)

    second = report(api, evidence="new")

    assert second["ticket_id"] != first["ticket_id"]
    assert ProductTicket.objects.count() == 2


# --- repeats -------------------------------------------------------------------------------


def test_the_same_evidence_within_a_day_is_answered_the_same(
    api, reported, time_machine, client_with
):
    _, feature = reported
    first = api.send(PATH, BODY)
    ProductTicket.objects.update(priority=Priority.P0, priority_score=90)
    RoadmapItemFactory(feature=feature)
    time_machine.move_to(NOON + timedelta(hours=24), tick=False)
    client = client_with("cs-product.write")

    second = client.send(PATH, {**BODY, "impact_score": 2})

    assert second.status_code == 201
    assert second.content == first.content
    assert second["Location"] == first["Location"]
    assert second["Idempotent-Replayed"] == "true"
    assert Feedback.objects.count() == 1


def test_a_repeat_explains_the_first_answer(api, reported):
    first = explained(api)

    assert explained(api) == first


def test_a_repeat_is_recognized_after_the_ticket_was_closed(api, reported):
    first = report(api)
    ProductTicket.objects.update(status="delivered", closed_at=NOON)

    assert report(api) == first
    assert ProductTicket.objects.count() == 1


def test_after_a_day_it_is_new_evidence(api, reported, time_machine, client_with):
    first = report(api)
    time_machine.move_to(NOON + timedelta(hours=24, seconds=1), tick=False)

    answer = client_with("cs-product.write").send(PATH, BODY)

    assert "Idempotent-Replayed" not in answer.headers
    assert answer.json()["ticket_id"] == first["ticket_id"]
    assert Feedback.objects.count() == 2


def test_another_customers_same_evidence_is_no_repeat(api, reported):
    CustomerFactory(public_id="cust_790")
    first = report(api)

    assert report(api, customer_id="cust_790")["ticket_id"] != first["ticket_id"]


def test_an_idempotency_key_acts_once(api, reported):
    key = {"Idempotency-Key": "feedback-1"}
    first = api.send(PATH, BODY, **key)

    again = api.send(PATH, BODY, **key)
    other = api.send(PATH, OTHER_EVIDENCE, **key)

    assert (again.status_code, again.content) == (201, first.content)
    assert again["Location"] == first["Location"]
    assert again["Idempotent-Replayed"] == "true"
    assert problem_of(other) == (422, "idempotency-key-reused", [])
    assert Feedback.objects.count() == 1
