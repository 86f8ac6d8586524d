"""GET /marketing/campaigns/{campaign_id}: where a campaign stands."""

from datetime import timedelta

import pytest

from marketing.models import Campaign
from tests.clients import problem_of, record_of
from tests.factories import NOON
from tests.marketing.factories import CampaignEnrollmentFactory, CampaignFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    """Two participants, one of them in two sequences."""
    campaign = CampaignFactory(public_id="camp_9", kind="retention", started_at=NOON)
    first = CampaignEnrollmentFactory(campaign=campaign, sequence="onboarding_nurture")
    CampaignEnrollmentFactory(
        campaign=campaign, customer=first.customer, sequence="retention_recovery"
    )
    CampaignEnrollmentFactory(campaign=campaign, sequence="onboarding_nurture", finished=True)
    return campaign


def test_says_where_a_campaign_stands(api, campaign):
    response = api.read("/marketing/campaigns/camp_9")

    assert response.status_code == 200
    assert list(response.json().items()) == [
        ("campaign_id", "camp_9"),
        ("status", "active"),
        ("kind", "retention"),
        ("sequences", ["retention_recovery", "onboarding_nurture"]),
        ("started_at", "2026-06-15T12:00:00+00:00"),
        ("enrollments", 3),
    ]


def test_follows_the_campaign(api, campaign):
    campaign.status, campaign.ended_at = Campaign.Status.COMPLETED, NOON + timedelta(days=30)
    campaign.save()

    assert api.read("/marketing/campaigns/camp_9").json()["status"] == "completed"


def test_explains_itself(api, campaign):
    explanation = api.read("/marketing/campaigns/camp_9?explain=true").json()["explanation"]

    assert explanation["rule_id"] == "marketing.campaign"
    assert explanation["steps"] == {
        "enrollments_by_sequence": {"retention_recovery": 1, "onboarding_nurture": 2},
        "running": 2,
        "ended": 1,
    }


def test_of_an_empty_campaign_lists_nothing(api):
    empty = CampaignFactory()

    body = api.read(f"/marketing/campaigns/{empty.public_id}").json()

    assert (body["sequences"], body["enrollments"]) == ([], 0)


def test_is_recorded_with_the_object_it_names(api, campaign):
    record = record_of(api.read("/marketing/campaigns/camp_9"))

    assert record.object_ids == ["camp_9"]


def test_is_recorded_with_its_customer_if_it_has_only_one(api, campaign):
    own = CampaignFactory(public_id="camp_10")
    enrollment = CampaignEnrollmentFactory(campaign=own)
    CampaignEnrollmentFactory(
        campaign=own, customer=enrollment.customer, sequence="winback_mid", finished=True
    )

    assert record_of(api.read("/marketing/campaigns/camp_9")).customer_id == ""
    for path in ("campaigns", "performance"):
        record = record_of(api.read(f"/marketing/{path}/camp_10"))
        assert record.customer_id == enrollment.customer.public_id


@pytest.mark.parametrize("campaign_id", ["camp_404", "camp_", "cust_9", "x"])
def test_an_unknown_campaign_is_not_found(api, campaign_id):
    response = api.read(f"/marketing/campaigns/{campaign_id}")

    assert problem_of(response)[:2] == (404, "not-found")
