"""The standard playbooks and skills that every installation has; staff may change them.

The other domains start playbooks by their codes. Source: enhanced process automation
(the four steps of a health decline); operations map (categories, matching by skill).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from operations.models import Skill, StepKind, WorkflowDefinition, WorkflowStep

ONBOARDING = WorkflowDefinition.Category.ONBOARDING
RETENTION = WorkflowDefinition.Category.RETENTION
EXPANSION = WorkflowDefinition.Category.EXPANSION
RENEWAL = WorkflowDefinition.Category.RENEWAL

SKILLS: Mapping[str, str] = MappingProxyType(
    {
        "enterprise_complexity": "Enterprise complexity",
        "technical_integration": "Technical integration",
        "deliverability": "Deliverability",
        "healthcare_compliance": "Healthcare compliance",
        "financial_compliance": "Financial compliance",
        "ecommerce_seasonality": "E-commerce seasonality",
        "executive_engagement": "Executive engagement",
        "renewal_negotiation": "Renewal negotiation",
        "onboarding_delivery": "Onboarding delivery",
        "data_migration": "Data migration",
    }
)


@dataclass(frozen=True, slots=True)
class Playbook:
    """A standard playbook; automated steps name an action of ``operations.automation``."""

    public_id: str
    code: str
    name: str
    category: WorkflowDefinition.Category
    default_tier: int  # 1 to 4
    steps: tuple[tuple[StepKind, str, str], ...]  # kind, action, name; in their order
    param_schema: Mapping[str, object]


def _auto(action: str, name: str) -> tuple[StepKind, str, str]:
    return StepKind.AUTO, action, name


def _human(action: str, name: str) -> tuple[StepKind, str, str]:
    return StepKind.HUMAN, action, name


_CHANNEL = {"type": "string", "enum": ["call", "mail", "meeting"], "default": "call"}

PLAYBOOKS: tuple[Playbook, ...] = (
    Playbook(
        "wf_101",
        "wf_onboarding",
        "Onboarding",
        ONBOARDING,
        1,
        (
            _auto("notify_team", "Tell the account's team"),
            _human("kickoff_call", "Hold the kickoff call"),
            _human("agree_success_plan", "Agree on the success plan"),
            _human("train_users", "Train the users"),
            _human("confirm_first_value", "Confirm the first value"),
        ),
        {"target_days": {"type": "integer", "minimum": 1, "maximum": 90, "default": 45}},
    ),
    Playbook(
        "wf_102",
        "wf_health_decline_intervention",
        "Health decline intervention",
        RETENTION,
        2,
        (
            _auto("raise_alert", "Raise an alert"),
            _human("check_in", "Check in with the customer"),
            _human("run_playbook", "Run the agreed playbook"),
            _auto("notify_team", "Tell the account's team"),
        ),
        {"channel": _CHANNEL},
    ),
    Playbook(
        "wf_123",
        "wf_retention_recovery",
        "Retention recovery",
        RETENTION,
        2,
        (
            _auto("record_health", "Record the health at the start"),
            _human("recovery_call", "Hold the recovery call"),
            _human("recovery_plan", "Agree on the recovery plan"),
            _human("follow_up", "Follow up after 30 days"),
        ),
        {"channel": _CHANNEL},
    ),
    Playbook(
        "wf_103",
        "wf_executive_escalation",
        "Executive escalation",
        RETENTION,
        3,
        (
            _auto("raise_alert", "Raise an alert"),
            _auto("notify_team", "Tell the account's team"),
            _human("executive_call", "Call the executive sponsor"),
            _human("rescue_plan", "Agree on the rescue plan"),
        ),
        {},
    ),
    Playbook(
        "wf_104",
        "wf_adoption_boost",
        "Adoption boost",
        ONBOARDING,
        1,
        (
            _auto("record_weak_features", "Record the features used too little"),
            _human("adoption_session", "Hold an adoption session"),
            _human("review_adoption", "Review the adoption"),
        ),
        {"sessions": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1}},
    ),
    Playbook(
        "wf_105",
        "wf_expansion_handoff",
        "Expansion handoff",
        EXPANSION,
        2,
        (
            _auto("record_readiness", "Record the expansion readiness"),
            _human("qualify_need", "Qualify the need"),
            _human("hand_over_to_sales", "Hand over to sales"),
        ),
        {},
    ),
    Playbook(
        "wf_106",
        "wf_renewal_90d",
        "Renewal in 90 days",
        RENEWAL,
        2,
        (
            _auto("record_contract", "Record the contract's standing"),
            _human("review_value", "Review the value delivered"),
            _human("renewal_meeting", "Hold the renewal meeting"),
            _human("confirm_renewal", "Confirm the renewal"),
        ),
        {},
    ),
    Playbook(
        "wf_107",
        "wf_qbr",
        "Quarterly business review",
        RENEWAL,
        2,
        (
            _auto("record_health", "Record the health of the quarter"),
            _auto("record_contract", "Record the contract's standing"),
            _human("hold_review", "Hold the review"),
            _human("adjust_plan", "Adjust the success plan"),
        ),
        {},
    ),
    Playbook(
        "wf_108",
        "wf_winback",
        "Win-back",
        RETENTION,
        1,
        (
            _auto("record_health", "Record the last known health"),
            _human("winback_call", "Call the former sponsor"),
            _human("winback_offer", "Make an offer"),
        ),
        {"channel": _CHANNEL},
    ),
    Playbook(
        "wf_109",
        "wf_beta_support",
        "Beta support",
        EXPANSION,
        2,
        (
            _auto("notify_team", "Tell the account's team"),
            _human("beta_kickoff", "Start the beta with the customer"),
            _human("collect_feedback", "Collect the feedback"),
        ),
        {},
    ),
)


def load_catalogue() -> None:
    """Write the skills and playbooks that are missing; leave what staff have changed."""
    Skill.objects.bulk_create(
        [Skill(code=code, name=name) for code, name in SKILLS.items()], ignore_conflicts=True
    )
    known = set(WorkflowDefinition.objects.values_list("code", flat=True))
    missing = [playbook for playbook in PLAYBOOKS if playbook.code not in known]
    made = WorkflowDefinition.objects.bulk_create([_definition(playbook) for playbook in missing])
    WorkflowStep.objects.bulk_create(
        WorkflowStep(workflow=workflow, position=position, kind=kind, action=action, name=name)
        for workflow, playbook in zip(made, missing, strict=True)
        for position, (kind, action, name) in enumerate(playbook.steps, start=1)
    )


def _definition(playbook: Playbook) -> WorkflowDefinition:
    return WorkflowDefinition(
        public_id=playbook.public_id,
        code=playbook.code,
        name=playbook.name,
        category=playbook.category,
        default_tier=playbook.default_tier,
        param_schema=dict(playbook.param_schema),
    )
