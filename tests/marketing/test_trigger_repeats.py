"""POST /marketing/triggers/{customer_id}: what runs already, and what was sent before."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from marketing.models import CampaignEnrollment, TriggerEvent
from tests.factories import NOON, TODAY, HealthSnapshotFactory
from tests.marketing.factories import CampaignEnrollmentFactory
from tests.marketing.triggers import SPECIFIED, reasons, sequences, stored

pytestmark = pytest.mark.usefixtures("noon", "catalogue")


class TestRunningSequences:
    def test_are_reused_and_listed(self, tell, harbor):
        running = CampaignEnrollmentFactory(
            customer=harbor, campaign__started_at=NOON - timedelta(days=29)
        )

        answer = tell()

        assert sequences(answer) == ["onboarding_nurture"]
        assert answer.json()["campaign_id"] == running.campaign.public_id
        assert "already runs" in reasons(answer)
        assert CampaignEnrollment.objects.get() == running

    def test_a_new_one_beside_them_gets_a_campaign_of_its_own(self, tell, harbor):
        running = CampaignEnrollmentFactory(
            customer=harbor, campaign__started_at=NOON - timedelta(days=2)
        )

        answer = tell(health_score=75, risk_category="at_risk", milestones=["adoption_complete"])

        assert sequences(answer) == ["retention_recovery", "onboarding_nurture"]
        assert answer.json()["campaign_id"] != running.campaign.public_id
        assert CampaignEnrollment.objects.count() == 2

    def test_are_ended_and_measured_when_their_time_is_over(self, tell, harbor):
        over = CampaignEnrollmentFactory(
            customer=harbor, campaign__started_at=NOON - timedelta(days=40)
        )
        HealthSnapshotFactory(
            customer=harbor, score=Decimal(77), measured_date=TODAY - timedelta(days=9)
        )

        answer = tell()

        over.refresh_from_db()
        assert over.ended_at == over.started_at + timedelta(days=30)
        assert over.health_after == 77
        assert answer.json()["campaign_id"] != over.campaign.public_id
        assert answer.json()["explanation"]["sample_size"] == 1


class TestRepeats:
    def test_an_equal_trigger_answers_as_the_first_and_does_nothing(self, tell):
        first = tell()
        before = stored()

        again = tell(health_score=75.00, risk_category="monitor", milestones=["adoption_complete"])

        assert again.status_code == 202
        assert again["Idempotent-Replayed"] == "true"
        assert again.content == first.content
        assert again["Location"] == first["Location"]
        assert stored() == before

    def test_after_a_day_it_is_a_new_trigger(self, tell, client_with):
        first = tell()
        with time_machine.travel(NOON + timedelta(days=1), tick=False):
            tomorrow = client_with("cs-marketing.write")
            again = tomorrow.send("/marketing/triggers/cust_9", SPECIFIED)

        assert TriggerEvent.objects.count() == 2
        assert "Idempotent-Replayed" not in again.headers
        assert again.json()["campaign_id"] == first.json()["campaign_id"]

    def test_another_score_is_decided_anew_and_reuses_what_runs(self, tell):
        first = tell()

        second = tell(health_score=74, milestones=["adoption_complete"])

        assert "Idempotent-Replayed" not in second.headers
        assert second.json()["campaign_id"] == first.json()["campaign_id"]
        assert stored()["TriggerEvent"] == 2
        assert stored()["CampaignEnrollment"] == 1

    def test_of_an_empty_answer_is_the_same_empty_answer(self, tell):
        first = tell(health_score=88)
        again = tell(health_score=88)

        assert again["Idempotent-Replayed"] == "true"
        assert again.content == first.content

    @pytest.mark.usefixtures("harbor")
    def test_an_idempotency_key_acts_once(self, api):
        headers = {"Idempotency-Key": "harbor-1"}
        first = api.send("/marketing/triggers/cust_9", SPECIFIED, **headers)
        again = api.send("/marketing/triggers/cust_9", SPECIFIED, **headers)
        other = api.send("/marketing/triggers/cust_9", {"health_score": 60}, **headers)

        assert again.content == first.content
        assert again["Idempotent-Replayed"] == "true"
        assert other.status_code == 422
        assert stored()["TriggerEvent"] == 1
