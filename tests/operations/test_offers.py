"""What operations offers to the other domains, and the playbooks they start by code."""

from datetime import timedelta

import pytest

from cs_integrations import exchange
from cs_integrations.refusals import StateConflict
from operations import actions
from operations.catalogue import PLAYBOOKS, load_catalogue
from operations.models import StepKind, WorkflowDefinition, WorkflowExecution, WorkflowStep
from tests.factories import NOON, TODAY, CustomerFactory
from tests.operations.factories import CsmFactory, EscalationFactory, WorkflowDefinitionFactory

pytestmark = pytest.mark.django_db

RESCUE = "wf_executive_escalation"


def start(customer, tier, code=RESCUE):
    return exchange.start_workflow.call(code=code, customer_id=customer.pk, tier=tier, at=NOON)


def test_the_highest_open_escalation_of_each_customer():
    harbor, quiet = CustomerFactory(), CustomerFactory()
    for tier, resolved_at in ((2, None), (3, None), (4, NOON)):
        EscalationFactory(execution__customer=harbor, tier=tier, resolved_at=resolved_at)
    EscalationFactory(execution__customer=quiet, resolved_at=NOON)

    highest = exchange.highest_open_escalations.call(customer_ids=[harbor.pk, quiet.pk])

    assert highest == {harbor.pk: 3}


def test_many_customers_cost_one_query(django_assert_num_queries):
    ids = [EscalationFactory().customer_id for _ in range(3)]

    with django_assert_num_queries(1):
        assert len(exchange.highest_open_escalations.call(customer_ids=ids)) == 3


def test_the_csms_employed_on_a_day():
    CsmFactory(code="csm_here")
    CsmFactory(code="csm_last_day", active_to=TODAY)
    CsmFactory(code="csm_gone", active_to=TODAY - timedelta(days=1))
    CsmFactory(code="csm_coming", active_from=TODAY + timedelta(days=1))

    assert exchange.active_csms.call(on=TODAY) == {"csm_here", "csm_last_day"}


def test_a_workflow_is_started_by_its_code():
    customer = CustomerFactory()

    public_id = start(customer, 3)

    execution = WorkflowExecution.objects.get(public_id=public_id)
    assert (execution.workflow.code, execution.customer, execution.tier) == (RESCUE, customer, 3)


def test_an_active_one_is_reused_whatever_the_lower_tier():
    customer = CustomerFactory()

    assert start(customer, 3) == start(customer, 3) == start(customer, 2)
    assert WorkflowExecution.objects.get().tier == 3


def test_a_higher_tier_escalates_the_active_one():
    customer = CustomerFactory()

    assert start(customer, 3) == start(customer, 4)
    assert WorkflowExecution.objects.get().tier == 4


def test_what_cannot_be_started_is_refused():
    customer = CustomerFactory()
    schema = {"goal": {"type": "string", "required": True}}
    WorkflowDefinitionFactory(code="wf_needy", param_schema=schema)
    WorkflowDefinitionFactory(code="wf_retired", is_active=False)

    for code in ("wf_nowhere", "wf_needy", "wf_retired"):
        with pytest.raises(StateConflict):
            start(customer, 2, code)


def test_every_installation_has_the_ten_playbooks():
    tiers = dict(WorkflowDefinition.objects.values_list("code", "default_tier"))

    assert tiers == {
        "wf_onboarding": 1,
        "wf_health_decline_intervention": 2,
        "wf_retention_recovery": 2,
        "wf_executive_escalation": 3,
        "wf_adoption_boost": 1,
        "wf_expansion_handoff": 2,
        "wf_renewal_90d": 2,
        "wf_qbr": 2,
        "wf_winback": 1,
        "wf_beta_support": 2,
    }
    for workflow in WorkflowDefinition.objects.all():
        workflow.full_clean()


def test_each_automated_step_names_an_action_that_is_performed():
    automated = WorkflowStep.objects.filter(kind=StepKind.AUTO).values_list("action", flat=True)

    assert set(automated) == set(actions.ACTIONS)


def test_loading_again_adds_what_is_missing_and_leaves_what_staff_changed():
    WorkflowDefinition.objects.filter(code="wf_qbr").delete()
    WorkflowDefinition.objects.filter(code="wf_winback").update(name="Come back")
    WorkflowStep.objects.filter(workflow__code="wf_winback").delete()

    load_catalogue()

    assert WorkflowDefinition.objects.count() == len(PLAYBOOKS)
    assert WorkflowStep.objects.filter(workflow__code="wf_qbr").count() == 4
    assert WorkflowDefinition.objects.get(code="wf_winback").name == "Come back"
    assert not WorkflowStep.objects.filter(workflow__code="wf_winback").exists()
