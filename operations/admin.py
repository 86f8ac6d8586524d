"""Operations in the admin: staff edit the team and the playbooks, and work off executions."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from cs_integrations.admin import RecordedFact
from cs_integrations.api.context import context_of
from cs_integrations.refusals import Refusal
from operations import actions
from operations.models import (
    Absence,
    AccountSkillNeed,
    Assignment,
    Csm,
    CsmSkill,
    Escalation,
    ExecutionStep,
    Skill,
    StepKind,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowStep,
)

CUSTOMER_SEARCH = ("=customer__public_id", "customer__name")


class CsmSkillInline(admin.TabularInline[CsmSkill, Csm]):
    model = CsmSkill
    extra = 0


class AbsenceInline(admin.TabularInline[Absence, Csm]):
    model = Absence
    extra = 0


@admin.register(Csm)
class CsmAdmin(admin.ModelAdmin[Csm]):
    list_display = ("code", "name", "seniority", "fte", "active_from", "active_to")
    list_filter = ("seniority",)
    search_fields = ("code", "name")
    inlines = (CsmSkillInline, AbsenceInline)


@admin.register(Skill)
class SkillAdmin(admin.ModelAdmin[Skill]):
    list_display = ("code", "name", "is_active")
    list_filter = ("is_active",)
    search_fields = ("code", "name")


@admin.register(CsmSkill)
class CsmSkillAdmin(admin.ModelAdmin[CsmSkill]):
    list_display = ("csm", "skill", "level")
    list_filter = ("skill", "level")
    list_select_related = ("csm", "skill")


@admin.register(Absence)
class AbsenceAdmin(admin.ModelAdmin[Absence]):
    list_display = ("csm", "start_date", "end_date")
    list_select_related = ("csm",)
    date_hierarchy = "start_date"


@admin.register(AccountSkillNeed)
class AccountSkillNeedAdmin(admin.ModelAdmin[AccountSkillNeed]):
    list_display = ("customer", "skill", "hours_share")
    list_filter = ("skill",)
    list_select_related = ("customer", "skill")
    raw_id_fields = ("customer",)
    search_fields = CUSTOMER_SEARCH


@admin.register(Assignment)
class AssignmentAdmin(admin.ModelAdmin[Assignment]):
    list_display = ("customer", "csm", "role", "start_date", "end_date")
    list_filter = ("role", "csm", ("end_date", admin.EmptyFieldListFilter))
    list_select_related = ("customer", "csm")
    raw_id_fields = ("customer",)
    search_fields = (*CUSTOMER_SEARCH, "csm__code")


class WorkflowStepForm(forms.ModelForm[WorkflowStep]):
    def clean(self) -> dict[str, Any]:
        """Refuse an automated step whose action nothing performs."""
        members = super().clean() or self.cleaned_data
        action = members.get("action")
        if members.get("kind") == StepKind.AUTO and action not in actions.ACTIONS:
            self.add_error(
                "action", f"Automated actions are: {', '.join(sorted(actions.ACTIONS))}."
            )
        return members


class WorkflowStepInline(admin.TabularInline[WorkflowStep, WorkflowDefinition]):
    model = WorkflowStep
    form = WorkflowStepForm
    extra = 0
    ordering = ("position",)


@admin.register(WorkflowDefinition)
class WorkflowDefinitionAdmin(admin.ModelAdmin[WorkflowDefinition]):
    list_display = ("public_id", "code", "name", "category", "default_tier", "version", "is_active")
    list_filter = ("category", "is_active")
    readonly_fields = ("public_id", "version")
    search_fields = ("=public_id", "code", "name")
    inlines = (WorkflowStepInline,)

    def save_related(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Raise the version when the steps or the parameters changed."""
        super().save_related(request, form, formsets, change)
        workflow: WorkflowDefinition = form.instance
        has_new_schema = form.initial.get("param_schema") != workflow.param_schema
        if change and (has_new_schema or any(formset.has_changed() for formset in formsets)):
            workflow.version += 1
            workflow.save(update_fields=["version"])


@admin.register(WorkflowStep)
class WorkflowStepAdmin(admin.ModelAdmin[WorkflowStep]):
    """Looked at here, edited with its workflow, so that the version follows."""

    list_display = ("workflow", "position", "kind", "action", "name")
    list_filter = ("kind", "action")
    list_select_related = ("workflow",)
    ordering = ("workflow", "position")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ExecutionStepInline(RecordedFact, admin.TabularInline[ExecutionStep, WorkflowExecution]):
    model = ExecutionStep
    fields = ("position", "name", "kind", "status", "opened_at", "finished_at", "result")
    ordering = ("position",)
    extra = 0


@admin.register(WorkflowExecution)
class WorkflowExecutionAdmin(RecordedFact, admin.ModelAdmin[WorkflowExecution]):
    list_display = (
        "public_id", "workflow", "customer", "status", "tier", "priority", "assignee",
        "due_at", "finished_at",
    )  # fmt: skip
    list_filter = ("status", "tier", "priority", "assignee", "workflow")
    list_select_related = ("workflow", "customer", "assignee")
    search_fields = ("=public_id", "=workflow__public_id", "=workflow__code", *CUSTOMER_SEARCH)
    ordering = ("due_at",)
    inlines = (ExecutionStepInline,)
    actions = ("finish_open_steps", "cancel")

    def has_work_permission(self, request: HttpRequest) -> bool:
        """Let those work off executions who may change them, though nobody edits one by hand."""
        return request.user.has_perm("operations.change_workflowexecution")

    @admin.action(description="Mark the open step as done", permissions=["work"])
    def finish_open_steps(
        self, request: HttpRequest, queryset: QuerySet[WorkflowExecution]
    ) -> None:
        """Finish the step that a person has done and let the execution go on."""
        self._for_each(request, queryset, actions.finish_step)

    @admin.action(description="Cancel the execution", permissions=["work"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[WorkflowExecution]) -> None:
        """Cancel executions that have not finished."""
        self._for_each(request, queryset, actions.cancel_execution)

    def _for_each(
        self,
        request: HttpRequest,
        queryset: QuerySet[WorkflowExecution],
        command: Callable[..., str],
    ) -> None:
        """Run the command for each execution; a refusal of one does not stop the others."""
        at = context_of(request).received_at
        for public_id in queryset.order_by("customer_id").values_list("public_id", flat=True):
            try:
                status = command(execution_id=public_id, at=at)
            except Refusal as refusal:
                self.message_user(
                    request, f"Execution {public_id}: {refusal.detail}", messages.ERROR
                )
            else:
                self.message_user(request, f"Execution {public_id} is {status}.", messages.SUCCESS)


@admin.register(ExecutionStep)
class ExecutionStepAdmin(RecordedFact, admin.ModelAdmin[ExecutionStep]):
    list_display = ("execution", "position", "name", "kind", "status", "failures", "finished_at")
    list_filter = ("status", "kind")
    list_select_related = ("execution",)
    search_fields = ("=execution__public_id", "action", "name")


@admin.register(Escalation)
class EscalationAdmin(RecordedFact, admin.ModelAdmin[Escalation]):
    list_display = (
        "execution", "customer", "tier", "priority", "cause", "opened_at", "due_at",
        "breached_at", "resolved_at",
    )  # fmt: skip
    list_filter = ("tier", "priority", "cause", ("resolved_at", admin.EmptyFieldListFilter))
    list_select_related = ("execution", "customer")
    search_fields = ("=execution__public_id", *CUSTOMER_SEARCH)
