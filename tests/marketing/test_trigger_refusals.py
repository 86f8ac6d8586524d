"""POST /marketing/triggers/{customer_id}: what is refused."""

import pytest

from cs_integrations.customers.models import HealthSnapshot
from tests.clients import problem_of
from tests.factories import CustomerFactory
from tests.marketing.triggers import PHASES, SPECIFIED, stored

pytestmark = pytest.mark.usefixtures("noon", "catalogue")


class TestRefusals:
    @pytest.mark.usefixtures("harbor")
    @pytest.mark.parametrize(
        ("body", "errors"),
        [
            ({}, [("/health_score", "required")]),
            ({"health_score": "75"}, [("/health_score", "not_a_number")]),
            ({"health_score": True}, [("/health_score", "not_a_number")]),
            ({"health_score": 100.01}, [("/health_score", "range")]),
            ({"health_score": -1}, [("/health_score", "range")]),
            ({"health_score": 75, "risk_category": "bad"}, [("/risk_category", "unknown_code")]),
            ({"health_score": 75, "risk_category": None}, [("/risk_category", "null")]),
            ({"health_score": 45, "risk_category": "monitor"}, [("/risk_category", "consistent")]),
            ({"health_score": 75, "milestones": "x"}, [("/milestones", "not_a_list")]),
            ({"health_score": 75, "milestones": ["No!"]}, [("/milestones/0", "invalid")]),
            ({"health_score": 75, "milestones": [7]}, [("/milestones/0", "invalid")]),
            (
                {"health_score": 75, "milestones": ["adoption_complete", "moon_landing"]},
                [("/milestones/1", "unknown_code")],
            ),
            (
                {"health_score": 75, "milestones": ["adoption_complete"] * 2},
                [("/milestones", "repeated")],
            ),
            (
                {"health_score": 75, "milestones": [f"m{number}" for number in range(21)]},
                [("/milestones", "max_length")],
            ),
            (
                {"health_score": 75, "mood": "fine"},
                [("/mood", "unknown_member")],
            ),
        ],
    )
    def test_of_a_body_name_the_member_and_the_rule(self, api, body, errors):
        response = api.send("/marketing/triggers/cust_9", body)

        assert problem_of(response) == (400, "validation-error", errors)
        assert not any(stored().values())
        assert not HealthSnapshot.objects.filter(source="api_trigger").exists()

    @pytest.mark.usefixtures("harbor")
    def test_of_an_unknown_milestone_list_the_known_ones(self, api):
        response = api.send(
            "/marketing/triggers/cust_9", {"health_score": 75, "milestones": ["moon_landing"]}
        )

        assert all(code in response.json()["detail"] for code in PHASES)

    @pytest.mark.usefixtures("harbor")
    @pytest.mark.parametrize("customer_id", ["cust_404", "cust_", "camp_9", "cust_9%00", "Äß"])
    def test_of_an_unknown_customer(self, api, customer_id):
        response = api.send(f"/marketing/triggers/{customer_id}", SPECIFIED)

        assert problem_of(response)[:2] == (404, "not-found")
        assert not any(stored().values())

    def test_of_a_deleted_customer(self, api):
        customer = CustomerFactory(deleted=True)

        response = api.send(f"/marketing/triggers/{customer.public_id}", SPECIFIED)

        assert problem_of(response)[:2] == (404, "not-found")

    @pytest.mark.usefixtures("harbor")
    def test_of_a_client_that_may_only_read(self, client_with):
        reader = client_with("cs-marketing.read")

        response = reader.send("/marketing/triggers/cust_9", SPECIFIED)

        assert problem_of(response)[:2] == (403, "forbidden")
        assert response.json()["required_scope"] == "cs-marketing.write"
