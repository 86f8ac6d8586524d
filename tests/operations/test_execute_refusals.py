"""POST /operations/execute/{workflow_id}/{customer_id}: refusals"""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from operations.models import WorkflowDefinition, WorkflowExecution
from tests.clients import problem_of
from tests.factories import CustomerFactory
from tests.operations.executions import PATH, TIER_2, at_tier
from tests.operations.factories import WorkflowDefinitionFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("wf_404/cust_123", "workflow"),
        ("wf_/cust_123", "workflow"),
        ("wf_retention_recovery/cust_123", "workflow"),
        ("wf_123%00/cust_123", "workflow"),
        ("wf_123/cust_404", "customer"),
        ("wf_123/wf_123", "customer"),
    ],
)
def test_an_unknown_object_is_not_found_and_named(api, customer, path, kind):
    answer = api.send(f"/operations/execute/{path}", TIER_2)

    assert problem_of(answer) == (404, "not-found", [])
    assert answer.json()["detail"] == f"There is no {kind} with this id."


def test_a_deleted_customer_is_not_found(api):
    CustomerFactory(public_id="cust_123", deleted=True)

    assert problem_of(api.send(PATH, TIER_2))[0] == 404


def test_a_workflow_out_of_use_is_refused(api, customer, senior):
    WorkflowDefinition.objects.filter(public_id="wf_123").update(is_active=False)

    answer = api.send(PATH, TIER_2)

    assert problem_of(answer) == (409, "conflict", [])
    assert answer.json()["detail"] == "The workflow is out of use."


@pytest.mark.usefixtures("customer", "senior")
@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({"parameters": 2}, "/parameters", "not_an_object"),
        ({"parameters": None}, "/parameters", "null"),
        ({"parameters": {str(n): n for n in range(31)}}, "/parameters", "max_length"),
        ({"tier": 2}, "/tier", "unknown_member"),
        (at_tier(0), "/parameters/escalation_tier", "range"),
        (at_tier(5), "/parameters/escalation_tier", "range"),
        (at_tier("2"), "/parameters/escalation_tier", "not_whole"),
        (at_tier(True), "/parameters/escalation_tier", "not_whole"),
        (at_tier(2.5), "/parameters/escalation_tier", "not_whole"),
        (at_tier(None), "/parameters/escalation_tier", "not_whole"),
        ({"parameters": {"a/b": 1}}, "/parameters/a~1b", "unknown_member"),
        ({"parameters": {"channel": "pigeon"}}, "/parameters/channel", "unknown_code"),
    ],
)
def test_a_member_that_breaks_a_rule_is_named(api, body, pointer, rule):
    answer = api.send(PATH, body)

    assert problem_of(answer) == (400, "validation-error", [(pointer, rule)])
    assert not WorkflowExecution.objects.exists()


def test_a_parameter_that_the_workflow_needs_must_be_sent(api, customer, senior):
    WorkflowDefinitionFactory(
        public_id="wf_7",
        param_schema={"goal": {"type": "string", "required": True}},
    )

    answer = api.send("/operations/execute/wf_7/cust_123", TIER_2)

    assert problem_of(answer) == (400, "validation-error", [("/parameters/goal", "required")])


@pytest.mark.parametrize("schema", [[], {"n": {"type": "string", "max_length": "5"}}])
def test_a_schema_that_declares_nothing_sound_is_not_accepted(db, schema):
    workflow = WorkflowDefinitionFactory.build(param_schema=schema)

    with pytest.raises(ValidationError, match="param_schema"):
        workflow.full_clean()


def test_the_database_stores_no_schema_but_an_object(db):
    with pytest.raises(IntegrityError, match="operations_param_schema_object"):
        WorkflowDefinitionFactory(param_schema=[])
