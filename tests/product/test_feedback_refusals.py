"""POST /product/feedback: what it refuses, how it explains itself, what the trail keeps"""

import pytest

from product.models import Feedback, ProductTicket
from tests.clients import kept_of, problem_of, record_of
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db

PATH = "/product/feedback"
BODY = {
    "customer_id": "cust_789",
    "feature_id": "feat_101",
    "impact_score": 9,
    "evidence": "usage_screenshot_url",
}


# --- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "pointer", "rule"),
    [
        ({"customer_id": "cust_404"}, "/customer_id", "exists"),
        ({"customer_id": "cust_gone"}, "/customer_id", "exists"),
        ({"customer_id": "feat_101"}, "/customer_id", "pattern"),
        ({"customer_id": 789}, "/customer_id", "not_text"),
        ({"feature_id": "feat_404"}, "/feature_id", "exists"),
        ({"feature_id": "email_warmup"}, "/feature_id", "pattern"),
        ({"impact_score": 0}, "/impact_score", "range"),
        ({"impact_score": 11}, "/impact_score", "range"),
        ({"impact_score": 8.5}, "/impact_score", "not_whole"),
        ({"impact_score": "9"}, "/impact_score", "not_whole"),
        ({"impact_score": True}, "/impact_score", "not_whole"),
        ({"impact_score": None}, "/impact_score", "null"),
        ({"evidence": ""}, "/evidence", "blank"),
        ({"evidence": "  "}, "/evidence", "blank"),
        ({"evidence": "x" * 2049}, "/evidence", "max_length"),
        ({"evidence": ["url"]}, "/evidence", "not_text"),
        ({"type": "praise"}, "/type", "unknown_code"),
        ({"type": ""}, "/type", "blank"),
        ({"category": "x" * 61}, "/category", "max_length"),
        ({"description": "x" * 4001}, "/description", "max_length"),
        ({"kind": "bug"}, "/kind", "unknown_member"),
    ],
)
def test_a_broken_member_is_named_and_nothing_is_stored(api, reported, members, pointer, rule):
    CustomerFactory(public_id="cust_gone", deleted=True)

    answer = api.send(PATH, {**BODY, **members})

    assert problem_of(answer) == (400, "validation-error", [(pointer, rule)])
    assert not ProductTicket.objects.exists()
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("missing", list(BODY))
def test_a_missing_member_is_named(api, reported, missing):
    body = {name: value for name, value in BODY.items() if name != missing}

    assert problem_of(api.send(PATH, body)) == (
        400, "validation-error", [(f"/{missing}", "required")],
    )  # fmt: skip


def test_evidence_of_2048_characters_is_kept_whole(api, reported):
    api.send(PATH, {**BODY, "evidence": "x" * 2048})

    assert len(Feedback.objects.get().evidence) == 2048


def test_writing_needs_the_write_scope(client_with, reported):
    answer = client_with("cs-product.read").send(PATH, BODY)

    assert problem_of(answer) == (403, "forbidden", [])
    assert answer.json()["required_scope"] == "cs-product.write"
    assert not Feedback.objects.exists()


# --- explanation, trail --------------------------------------------------------------------


def test_it_explains_itself(api, reported):
    answer = api.send(f"{PATH}?explain=true", BODY).json()

    assert answer["explanation"] == {
        "rule_id": "product.feedback",
        "rule_version": "1",
        "inputs": {
            "customer_id": "cust_789",
            "feature_id": "feat_101",
            "impact_score": 9,
            "segment": "enterprise",
            "customers_reporting": 1,
            "health_score": 71.5,
            "submitted_at": "2026-06-15T12:00:00+00:00",
        },
        "steps": {
            "impact_points": 90,
            "tier_points": 100,
            "prevalence_points": 20,
            "risk_points": 70,
            "priority_score": 74,
            "ticket_score": 74,
            "position_basis": "priority",
        },
        "sample_size": None,
        "reasons": [],
    }


def test_the_trail_keeps_no_words_of_the_customer(api, reported):
    words = {"evidence": "Said by Dana", "category": "Dana's", "description": "Dana is leaving"}

    answer = api.send(PATH, {**BODY, **words, "type": "usability"})

    record = record_of(answer)
    assert (record.operation, record.status) == ("product_feedback_submit", 201)
    assert record.customer_id == "cust_789"
    assert record.object_ids == ["cust_789", "feat_101", answer.json()["ticket_id"]]
    kept, _ = kept_of(answer)
    assert kept.pop("evidence").startswith("sha256:")
    assert kept == {
        "customer_id": "cust_789",
        "feature_id": "feat_101",
        "impact_score": 9,
        "type": "usability",
    }
