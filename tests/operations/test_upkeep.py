"""What people and the clock do to executions: the admin's actions and ``run_workflows``."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from cs_integrations.clients.models import User
from cs_integrations.refusals import StateConflict, UnknownObject
from operations import actions
from operations.models import Escalation, WorkflowDefinition, WorkflowExecution
from tests.factories import NOON, CustomerFactory
from tests.operations.factories import (
    AssignmentFactory,
    CsmFactory,
    EscalationFactory,
    ExecutionStepFactory,
    WorkflowExecutionFactory,
)

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(hours=1)


def begun(code="wf_health_decline_intervention", tier=2):
    """Begin a standard playbook at noon, as another domain would."""
    public_id = actions.start_workflow(
        code=code, customer_id=CustomerFactory().pk, tier=tier, at=NOON
    )
    return WorkflowExecution.objects.get(public_id=public_id)


def statuses(execution):
    return list(execution.steps.order_by("position").values_list("status", flat=True))


def finish(execution, at=LATER):
    return actions.finish_step(execution_id=execution.public_id, at=at)


def run_workflows():
    out = StringIO()
    call_command("run_workflows", stdout=out)
    return out.getvalue()


# --- steps of people -----------------------------------------------------------------------


def test_a_finished_step_opens_the_next():
    CsmFactory()
    execution = begun()

    assert finish(execution) == "in_progress"

    assert statuses(execution) == ["done", "done", "open", "pending"]
    assert execution.steps.get(position=2).finished_at == LATER


def test_after_the_last_person_the_automated_rest_runs_and_it_is_complete():
    CsmFactory()
    execution = begun()
    finish(execution)

    assert finish(execution) == "completed"

    execution.refresh_from_db()
    assert statuses(execution) == ["done"] * 4
    assert execution.finished_at == LATER
    assert Escalation.objects.get().resolved_at == LATER


def test_an_escalation_resolved_too_late_is_a_breach():
    CsmFactory()
    execution = begun(tier=4)
    finish(execution)

    finish(execution)

    assert Escalation.objects.get().breached_at == LATER


def test_without_an_open_step_of_a_person_there_is_nothing_to_finish():
    execution = begun()

    with pytest.raises(StateConflict, match="No step"):
        finish(execution)


def test_an_unknown_execution_cannot_be_worked_on():
    for command in (actions.finish_step, actions.cancel_execution, actions.advance_execution):
        with pytest.raises(UnknownObject):
            command(execution_id="exec_404", at=NOON)


# --- cancel --------------------------------------------------------------------------------


def test_a_cancelled_execution_ends_and_makes_room_for_another():
    CsmFactory()
    execution = begun()

    assert actions.cancel_execution(execution_id=execution.public_id, at=LATER) == "cancelled"

    assert Escalation.objects.get().resolved_at == LATER
    with pytest.raises(StateConflict):
        actions.cancel_execution(execution_id=execution.public_id, at=LATER)
    with pytest.raises(StateConflict):
        finish(execution)


def test_what_never_began_can_be_cancelled():
    execution = WorkflowExecutionFactory(waiting=True)

    actions.cancel_execution(execution_id=execution.public_id, at=LATER)

    execution.refresh_from_db()
    assert (execution.started_at, execution.finished_at) == (None, LATER)


# --- what falls due ------------------------------------------------------------------------


def test_a_failing_step_is_tried_four_times_then_the_execution_has_failed(time_machine):
    execution = begun("wf_onboarding")

    for seconds, status in ((1, "in_progress"), (3, "in_progress"), (7, "failed")):
        time_machine.move_to(NOON + timedelta(seconds=seconds), tick=False)
        assert f"{execution.public_id} {status}" in run_workflows()

    execution.refresh_from_db()
    assert execution.steps.get(position=1).failures == 4
    assert execution.finished_at == NOON + timedelta(seconds=7)
    assert statuses(execution) == ["failed", *["pending"] * 4]


def test_a_retry_before_its_time_does_nothing(time_machine):
    execution = begun("wf_onboarding")

    actions.advance_execution(execution_id=execution.public_id, at=NOON)

    assert execution.steps.get(position=1).failures == 1


def test_a_step_that_failed_succeeds_once_its_cause_is_gone(time_machine):
    execution = begun("wf_onboarding")
    AssignmentFactory(customer=execution.customer, csm=CsmFactory(code="csm_new"))
    time_machine.move_to(NOON + timedelta(seconds=1), tick=False)

    run_workflows()

    step = execution.steps.get(position=1)
    assert (step.status, step.result) == ("done", {"csm_codes": ["csm_new"]})


def test_a_waiting_execution_is_taken_when_somebody_is_free():
    execution = begun()
    csm = CsmFactory()

    run_workflows()

    execution.refresh_from_db()
    assert (execution.status, execution.assignee) == ("in_progress", csm)
    assert statuses(execution) == ["done", "open", "pending", "pending"]


def test_a_queued_execution_begins_when_a_slot_is_free():
    CsmFactory()
    running = WorkflowExecutionFactory.create_batch(20)
    execution = begun()
    assert execution.status == "queued"
    actions.cancel_execution(execution_id=running[0].public_id, at=NOON)

    run_workflows()

    execution.refresh_from_db()
    assert (execution.status, execution.started_at) == ("in_progress", NOON)


def test_who_waits_rises_at_the_due_moment_however_late_it_is_looked_at(time_machine):
    customer = CustomerFactory(segment="enterprise")
    WorkflowExecutionFactory(waiting=True, customer=customer, due_at=NOON + timedelta(hours=3))
    time_machine.move_to(NOON + timedelta(hours=9), tick=False)

    run_workflows()

    execution = WorkflowExecution.objects.get()
    assert (execution.tier, execution.escalates_at) == (4, None)
    third, fourth = Escalation.objects.order_by("tier")
    assert third.opened_at == NOON + timedelta(minutes=132)  # 80% of 4 h after 11:00
    assert fourth.opened_at == third.resolved_at == third.opened_at + timedelta(minutes=48)


def test_a_missed_due_time_is_noted_once(time_machine):
    escalation = EscalationFactory(due_at=NOON - timedelta(seconds=1))
    EscalationFactory(due_at=NOON + timedelta(hours=1))

    assert "due times missed: 1" in run_workflows()
    time_machine.move_to(NOON + timedelta(minutes=5), tick=False)
    assert "due times missed: 0" in run_workflows()

    escalation.refresh_from_db()
    assert escalation.breached_at == NOON


# --- in the admin --------------------------------------------------------------------------


@pytest.fixture
def staff():
    """Dana may look at executions; with the permission to change them she may work them off."""
    dana = User.objects.create_user("dana", is_staff=True)
    view = Permission.objects.get(codename="view_workflowexecution")
    dana.user_permissions.add(view)
    browser = Client()
    browser.force_login(dana)
    return browser, dana


def act(browser, name, *executions):
    return browser.post(
        reverse("admin:operations_workflowexecution_changelist"),
        {"action": name, "_selected_action": [execution.pk for execution in executions]},
        follow=True,
    )


def test_staff_finish_the_open_steps_and_are_told_what_was_refused(staff):
    browser, dana = staff
    dana.user_permissions.add(Permission.objects.get(codename="change_workflowexecution"))
    waiting = begun()
    CsmFactory()
    worked = begun()

    page = act(browser, "finish_open_steps", waiting, worked).content.decode()

    assert statuses(worked) == ["done", "done", "open", "pending"]
    assert f"Execution {worked.public_id} is in_progress." in page
    assert f"Execution {waiting.public_id}: No step of this execution is open for a person." in page


def test_staff_cancel_an_execution(staff):
    browser, dana = staff
    dana.user_permissions.add(Permission.objects.get(codename="change_workflowexecution"))
    execution = begun()

    act(browser, "cancel", execution)

    execution.refresh_from_db()
    assert execution.status == "cancelled"


def test_who_may_only_look_changes_nothing(staff):
    browser, _ = staff
    execution = begun()

    act(browser, "cancel", execution)

    execution.refresh_from_db()
    assert execution.status == "awaiting_human"


@pytest.mark.parametrize(
    "model",
    [
        "csm", "skill", "csmskill", "absence", "accountskillneed", "assignment",
        "workflowdefinition", "workflowstep", "workflowexecution", "executionstep", "escalation",
    ],
)  # fmt: skip
def test_every_model_has_its_page(admin_client, model):
    ExecutionStepFactory()
    EscalationFactory()

    assert admin_client.get(reverse(f"admin:operations_{model}_changelist")).status_code == 200


@pytest.mark.parametrize("model", ["workflowexecution", "executionstep", "escalation"])
def test_what_happened_is_not_rewritten(admin_client, model):
    assert admin_client.get(reverse(f"admin:operations_{model}_add")).status_code == 403


def workflow_form(workflow, **first_step):
    steps = list(workflow.steps.order_by("position"))
    form = {
        "code": workflow.code, "name": workflow.name, "category": workflow.category,
        "default_tier": workflow.default_tier, "param_schema": "{}", "is_active": "on",
        "steps-TOTAL_FORMS": len(steps), "steps-INITIAL_FORMS": len(steps),
    }  # fmt: skip
    for number, step in enumerate(steps):
        for name in ("id", "workflow_id", "position", "kind", "action", "name"):
            form[f"steps-{number}-{name.removesuffix('_id')}"] = getattr(step, name)
    return form | {f"steps-0-{name}": value for name, value in first_step.items()}


def test_a_changed_playbook_is_a_new_version(admin_client):
    workflow = WorkflowDefinition.objects.get(code="wf_executive_escalation")
    url = reverse("admin:operations_workflowdefinition_change", args=[workflow.pk])

    admin_client.post(url, workflow_form(workflow))
    workflow.refresh_from_db()
    assert workflow.version == 1

    admin_client.post(url, workflow_form(workflow, name="Alarm everybody"))
    workflow.refresh_from_db()
    assert workflow.version == 2


def test_an_automated_step_must_name_an_action_that_exists(admin_client):
    workflow = WorkflowDefinition.objects.get(code="wf_executive_escalation")
    url = reverse("admin:operations_workflowdefinition_change", args=[workflow.pk])

    page = admin_client.post(url, workflow_form(workflow, action="do_magic")).content.decode()

    assert "Automated actions are: notify_team, raise_alert" in page
    assert workflow.steps.get(position=1).action == "raise_alert"
