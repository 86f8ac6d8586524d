"""POST /marketing/triggers/{customer_id}, through the whole stack on hand-made facts."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from cs_integrations.customers.models import CustomerMilestone, HealthSnapshot
from marketing.models import Campaign, CampaignEnrollment, ExpansionLead, TriggerEvent
from operations.models import WorkflowExecution
from tests.clients import record_of
from tests.factories import (
    NOON,
    TODAY,
    ContactConsentFactory,
    CustomerFactory,
    HealthSnapshotFactory,
    StakeholderFactory,
)
from tests.marketing.factories import (
    CampaignEnrollmentFactory,
    ExpansionLeadFactory,
    MessageFactory,
)
from tests.marketing.neighbors import escalate, make_ready, neglect_feature
from tests.marketing.triggers import SPECIFIED, reasons, sequences

pytestmark = pytest.mark.usefixtures("noon", "catalogue")


class TestTheSpecificationsExample:
    @pytest.mark.usefixtures("harbor")
    def test_is_answered_member_for_member(self, api):
        response = api.send("/marketing/triggers/cust_9", SPECIFIED)

        campaign = Campaign.objects.get()
        assert response.status_code == 202
        assert list(response.json().items()) == [
            ("campaign_id", campaign.public_id),
            ("triggered_sequences", ["onboarding_nurture"]),
            ("estimated_impact", "15% health_uplift"),
        ]

    def test_points_to_the_campaigns_status(self, api, tell):
        response = tell()

        location = response["Location"]
        assert location.endswith(f"/marketing/campaigns/{response.json()['campaign_id']}")
        status = api.get(location).json()
        assert status["sequences"] == ["onboarding_nurture"]
        assert status["status"] == "active"

    def test_enrolls_the_customer(self, tell, harbor):
        tell()

        enrollment = CampaignEnrollment.objects.get()
        assert enrollment.customer == harbor
        assert enrollment.campaign.kind == "lifecycle"
        assert (enrollment.health_at_start, enrollment.zone_at_start) == (75, "yellow")
        assert enrollment.started_at == NOON

    def test_keeps_the_score_beside_the_computed_ones(self, tell, harbor):
        tell()

        sent = HealthSnapshot.objects.get(source="api_trigger")
        assert (sent.customer, sent.score, sent.measured_date) == (harbor, 75, TODAY)
        assert HealthSnapshot.objects.filter(source="computed").count() == 1

    @pytest.mark.usefixtures("harbor")
    def test_keeps_the_milestone_and_its_first_day(self, tell):
        tell()
        tell(health_score=74, milestones=["adoption_complete"])

        reached = CustomerMilestone.objects.get()
        assert (reached.milestone.code, reached.achieved_date) == ("adoption_complete", TODAY)

    def test_is_recorded_with_the_objects_it_names(self, tell):
        answer = tell()

        record = record_of(answer)
        assert record.customer_id == "cust_9"
        assert record.object_ids == ["cust_9", answer.json()["campaign_id"]]
        assert record.operation == "marketing_trigger"
        assert record.status == 202

    def test_explains_itself(self, tell):
        explanation = tell().json()["explanation"]

        assert explanation["rule_id"] == "marketing.health_trigger"
        assert explanation["inputs"]["health_score"] == 75
        assert explanation["inputs"]["risk_category"] == "monitor"
        assert explanation["inputs"]["contacts"] == 1
        assert explanation["steps"]["zone"] == "yellow"
        assert explanation["steps"]["matched"] == [
            {"row": 3, "sequence": "onboarding_nurture", "because": "milestones adoption_complete"}
        ]
        assert explanation["steps"]["impact"]["leading"] == "onboarding_nurture"
        assert explanation["sample_size"] == 0


class TestTheAnswerFollowsTheFacts:
    def test_a_sudden_fall_adds_retention(self, tell, harbor):
        HealthSnapshotFactory(
            customer=harbor, score=Decimal(97), measured_date=TODAY - timedelta(days=10)
        )

        assert sequences(tell()) == ["retention_recovery", "onboarding_nurture"]

    def test_a_worse_word_than_the_score_adds_retention(self, tell):
        answer = tell(health_score=75, risk_category="at_risk")

        assert sequences(answer) == ["retention_recovery"]
        assert Campaign.objects.get().kind == "retention"

    def test_a_weak_core_feature_adds_a_boost(self, tell, harbor):
        neglect_feature(harbor, "templates")

        answer = tell()

        assert sequences(answer) == ["onboarding_nurture", "feature_adoption_boost"]
        assert answer.json()["explanation"]["inputs"]["weak_core_features"] == ["templates"]

    def test_red_calls_for_rescue_and_a_workflow(self, tell, harbor):
        answer = tell(health_score=45)

        assert sequences(answer) == ["critical_rescue"]
        execution = WorkflowExecution.objects.get()
        assert (execution.customer, execution.tier) == (harbor, 3)
        assert execution.workflow.code == "wf_executive_escalation"
        steps = answer.json()["explanation"]["steps"]
        assert steps["workflow_execution"] == execution.public_id

    def test_nothing_but_red_starts_a_workflow(self, tell):
        tell()

        assert not WorkflowExecution.objects.exists()

    def test_a_ready_green_customer_becomes_a_lead(self, tell, harbor):
        make_ready(harbor)

        assert sequences(tell(health_score=88)) == ["expansion_nurture"]
        lead = ExpansionLead.objects.get()
        assert (lead.customer, lead.readiness) == (harbor, 92)
        assert (lead.score_label, lead.lifecycle) == ("CS-qualified", "Expansion")

    def test_an_open_lead_stays_the_only_one(self, tell, harbor):
        make_ready(harbor)
        lead = ExpansionLeadFactory(customer=harbor)

        tell(health_score=88)

        assert ExpansionLead.objects.get() == lead

    def test_an_open_escalation_holds_expansion_back(self, tell, harbor):
        make_ready(harbor)
        escalate(harbor, tier=3)

        answer = tell(health_score=88)

        assert sequences(answer) == []
        assert answer.json()["explanation"]["inputs"]["highest_open_tier"] == 3
        assert not ExpansionLead.objects.exists()

    def test_a_customer_that_left_is_won_back(self, api):
        customer = CustomerFactory(churned=True, churned_date=date(2026, 2, 1))
        StakeholderFactory(customer=customer)

        answer = api.send(f"/marketing/triggers/{customer.public_id}", {"health_score": 50})

        assert sequences(answer) == ["winback_mid"]
        assert answer.json()["estimated_impact"] == "0% health_uplift"

    def test_finished_enrollments_move_the_estimate(self, tell):
        """Five at +30% against a prior of five at 15%: 22.5%."""
        for _ in range(5):
            CampaignEnrollmentFactory(finished=True, health_after=Decimal(91))

        answer = tell()

        assert answer.json()["estimated_impact"] == "23% health_uplift"
        assert answer.json()["explanation"]["sample_size"] == 5

    def test_enrollments_of_another_zone_do_not(self, tell):
        CampaignEnrollmentFactory(finished=True, health_at_start=Decimal(90))

        assert tell().json()["estimated_impact"] == "15% health_uplift"

    def test_a_newer_computed_score_makes_the_trigger_stale(self, tell, harbor):
        HealthSnapshotFactory(
            customer=harbor, score=Decimal(99), measured_date=TODAY - timedelta(days=3)
        )
        HealthSnapshotFactory(
            customer=harbor, score=Decimal(98), measured_date=TODAY + timedelta(days=1)
        )

        answer = tell()

        assert sequences(answer) == ["onboarding_nurture"]
        assert answer.json()["explanation"]["steps"]["is_stale"] is True
        assert "newer computed score" in reasons(answer)

    def test_no_fitting_sequence_is_an_empty_answer(self, tell):
        answer = tell(health_score=88)

        assert answer.status_code == 202
        assert list(answer.json().values())[:3] == [None, [], None]
        assert "Location" not in answer.headers
        assert "campaign_id is null because no sequence fits." in reasons(answer)
        assert "estimated_impact is null" in reasons(answer)


class TestWhoMayBeWrittenTo:
    @pytest.mark.parametrize("is_opted_out", [True, False])
    def test_an_opt_out_holds_mail_back(self, tell, harbor, is_opted_out):
        contact = StakeholderFactory._meta.model.objects.get(customer=harbor)
        ContactConsentFactory(stakeholder=contact, opted_out_at=NOON if is_opted_out else None)

        answer = tell()

        assert sequences(answer) == ([] if is_opted_out else ["onboarding_nurture"])
        assert ("opted out of mail" in reasons(answer)) is is_opted_out

    @pytest.mark.parametrize(("sent", "expected"), [(2, ["onboarding_nurture"]), (3, [])])
    def test_the_third_message_closes_the_week(self, tell, harbor, sent, expected):
        contact = StakeholderFactory._meta.model.objects.get(customer=harbor)
        enrollment = CampaignEnrollmentFactory(customer=harbor, finished=True)
        MessageFactory.create_batch(sent, enrollment=enrollment, stakeholder=contact)
        MessageFactory(enrollment=enrollment, stakeholder=contact, sent_at=NOON - timedelta(days=7))

        answer = tell()

        assert sequences(answer) == expected
        assert ("has had this week's mails" in reasons(answer)) is (not expected)

    def test_nobody_to_write_to_holds_mail_back_but_not_the_rescue(self, api):
        customer = CustomerFactory()

        answer = api.send(
            f"/marketing/triggers/{customer.public_id}?explain=true", {"health_score": 40}
        )

        assert sequences(answer) == []
        assert "no marketing contact" in reasons(answer)
        assert WorkflowExecution.objects.get().customer == customer


def test_a_score_is_taken_in_hundredths(tell):
    """79.996 is 80.00, in the answer as in the table."""
    answer = tell(health_score=79.996, milestones=["renewal_achieved"])

    assert sequences(answer) == ["milestone_celebration", "advocacy_invite"]
    assert TriggerEvent.objects.get().health_score == 80
