"""A trigger to send, and what its answer says and the tables keep."""

from cs_integrations.customers.models import CustomerMilestone, Milestone
from marketing.models import Campaign, CampaignEnrollment, ExpansionLead, TriggerEvent

SPECIFIED = {"health_score": 75, "risk_category": "monitor", "milestones": ["adoption_complete"]}
PHASES = {
    "adoption_complete": Milestone.Phase.ADOPTION,
    "kickoff_complete": Milestone.Phase.ONBOARDING,
    "renewal_achieved": Milestone.Phase.RENEWAL,
    "roi_demonstrated": Milestone.Phase.VALUE,
}
STORED = (Campaign, CampaignEnrollment, TriggerEvent, ExpansionLead, CustomerMilestone)


def sequences(response):
    assert response.status_code == 202, response.content
    return response.json()["triggered_sequences"]


def reasons(response):
    return " ".join(response.json()["explanation"]["reasons"])


def stored():
    return {model.__name__: model.objects.count() for model in STORED}
