"""POST /marketing/triggers/{customer_id}, through the whole stack on hand-made facts."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine

from cs_integrations.customers.models import CustomerMilestone, HealthSnapshot, Milestone
from marketing.models import Campaign, CampaignEnrollment, ExpansionLead, TriggerEvent
from operations.models import WorkflowExecution
from tests.clients import problem_of, record_of
from tests.factories import (
    NOON,
    TODAY,
    ContactConsentFactory,
    CustomerFactory,
    HealthSnapshotFactory,
    MilestoneFactory,
    StakeholderFactory,
)
from tests.marketing.factories import (
    CampaignEnrollmentFactory,
    ExpansionLeadFactory,
    MessageFactory,
)
from tests.marketing.neighbors import escalate, make_ready, neglect_feature

SPECIFIED = {"health_score": 75, "risk_category": "monitor", "milestones": ["adoption_complete"]}
PHASES = {
    "adoption_complete": Milestone.Phase.ADOPTION,
    "kickoff_complete": Milestone.Phase.ONBOARDING,
    "renewal_achieved": Milestone.Phase.RENEWAL,
    "roi_demonstrated": Milestone.Phase.VALUE,
}
STORED = (Campaign, CampaignEnrollment, TriggerEvent, ExpansionLead, CustomerMilestone)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture(autouse=True)
def _catalogue(db):
    for code, phase in PHASES.items():
        MilestoneFactory(code=code, phase=phase)


@pytest.fixture
def harbor(db):
    """A customer with one willing marketing contact and a computed health of 76."""
    customer = CustomerFactory(public_id="cust_9", name="Harbor")
    StakeholderFactory(customer=customer)
    HealthSnapshotFactory(customer=customer, score=Decimal(76))
    return customer


@pytest.fixture
def tell(api, harbor):
    """Send a trigger for the customer; return the answer with its reasons."""

    def send(path="/marketing/triggers/cust_9", **body):
        return api.send(f"{path}?explain=true", body or SPECIFIED)

    return send


def sequences(response):
    assert response.status_code == 202, response.content
    return response.json()["triggered_sequences"]


def reasons(response):
    return " ".join(response.json()["explanation"]["reasons"])


def stored():
    return {model.__name__: model.objects.count() for model in STORED}


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
        record = record_of(tell())

        assert record.objects_named == {"customer_id": "cust_9"}
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


def test_a_score_is_taken_in_hundredths(tell):
    """79.996 is 80.00, in the answer as in the table."""
    answer = tell(health_score=79.996, milestones=["renewal_achieved"])

    assert sequences(answer) == ["milestone_celebration", "advocacy_invite"]
    assert TriggerEvent.objects.get().health_score == 80
