"""The demo's features, the plans for them and what customers said about them.

Source: subscription management page (features by plan); a published API error rate of 12%
is called problematic (business/analytics/overview.md).
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from product.models import Feature, Feedback, ProductTicket

STARTER, PROFESSIONAL, BUSINESS = "starter", "professional", "business"
CORE, ADVANCED = Feature.Kind.CORE, Feature.Kind.ADVANCED


class Pace(StrEnum):
    """How a customer uses a feature."""

    DAILY = "daily"
    NOW_AND_THEN = "now_and_then"  # twice a week: never enough to count as adopted
    STOPPED = "stopped"  # now and then, until some weeks ago
    NEVER = "never"


_MIXED = (Pace.NOW_AND_THEN, Pace.NOW_AND_THEN, Pace.STOPPED, Pace.NOW_AND_THEN, Pace.NEVER)


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """A feature and what its customers do with it; percentages in points."""

    public_id: str
    slug: str
    name: str
    kind: Feature.Kind
    plan_code: str  # the lowest plan that includes it; empty: sold on its own
    adopted_pct: int  # of the settled customers
    error_pct: int = 3  # of uses
    training_pct: int = 84  # mean completion
    rating: float = 4.2  # mean, 1 to 5
    failing_accounts: int = 0  # customers whose connection fails every week
    other_paces: tuple[Pace, ...] = _MIXED  # of those who have not adopted it, in turn


WARMUP = "feat_101"  # the specification's example
FEATURE_X = "feature_x"  # sold to one customer, by daily users
CONTRACTED = "workflow_automation"  # enterprise contracts fix its daily users too
FEATURES = (
    FeatureFacts(WARMUP, "email_warmup", "Email warm-up", CORE, STARTER, 68),
    FeatureFacts("feat_102", "free_mailbox_creation", "Free mailboxes", CORE, STARTER, 84),
    FeatureFacts("feat_103", "campaign_management", "Campaigns", CORE, STARTER, 90),
    FeatureFacts("feat_104", "templates", "Templates", CORE, STARTER, 80),
    FeatureFacts("feat_105", "unified_inbox", "Unified inbox", CORE, STARTER, 75),
    FeatureFacts("feat_106", "domain_management", "Domains", CORE, STARTER, 82),
    FeatureFacts("feat_107", "unsubscribe_management", "Unsubscribes", CORE, STARTER, 70),
    FeatureFacts("feat_108", "contact_import_export", "Import and export", CORE, STARTER, 66),
    FeatureFacts("feat_109", "core_analytics", "Analytics", CORE, STARTER, 73),
    FeatureFacts("feat_110", "inbox_rotation", "Inbox rotation", ADVANCED, PROFESSIONAL, 62),
    FeatureFacts("feat_111", "email_sequences", "Sequences", ADVANCED, PROFESSIONAL, 65),
    FeatureFacts(
        "feat_112",
        "ab_testing",
        "A/B tests",
        ADVANCED,
        PROFESSIONAL,
        25,
        other_paces=(Pace.STOPPED, Pace.STOPPED, Pace.NOW_AND_THEN),
    ),
    FeatureFacts("feat_113", "personalization", "Personalization", ADVANCED, PROFESSIONAL, 50),
    FeatureFacts(
        "feat_114", "lead_scoring", "Lead scoring", ADVANCED, PROFESSIONAL, 40, rating=3.1
    ),
    FeatureFacts("feat_115", "contact_segmentation", "Segments", ADVANCED, PROFESSIONAL, 55),
    FeatureFacts(
        "feat_116",
        "crm_integration",
        "CRM integration",
        ADVANCED,
        PROFESSIONAL,
        42,
        failing_accounts=6,
    ),
    FeatureFacts("feat_117", "api_access", "API access", ADVANCED, PROFESSIONAL, 38, error_pct=12),
    FeatureFacts(
        "feat_118", "webhook_system", "Webhooks", ADVANCED, BUSINESS, 10, other_paces=(Pace.NEVER,)
    ),
    FeatureFacts(
        "feat_119", CONTRACTED, "Workflow automation", ADVANCED, BUSINESS, 35, training_pct=58
    ),
    FeatureFacts("feat_120", "enhanced_analytics", "Enhanced analytics", ADVANCED, BUSINESS, 60),
    FeatureFacts("feat_199", FEATURE_X, "Feature X", ADVANCED, "", 100),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Planned work on a feature, in a quarter counted from the present one."""

    slug: str
    title: str
    quarters_ahead: int


PLANS = (
    Plan("crm_integration", "Two-way field mapping", 1),
    Plan("api_access", "Clearer API errors and higher limits", 1),
    Plan("enhanced_analytics", "Scheduled reports", 2),
)


@dataclass(frozen=True, slots=True)
class Voice:
    """What a customer said about a feature, and what became of its ticket."""

    days_ago: int
    customer_id: str
    slug: str
    impact: int  # 1 to 10
    kind: Feedback.Kind
    category: str
    evidence: str
    description: str = ""
    status: ProductTicket.Status = ProductTicket.Status.OPEN
    answered_after: timedelta = field(default=timedelta(days=21))


# None is about the warm-up: the specification's example is its first report.
VOICES = (
    Voice(
        82,
        "cust_110",
        "templates",
        6,
        Feedback.Kind.USABILITY,
        "editor",
        "https://support.example.com/tickets/2204",
        "Long templates lose their formatting when they are copied.",
        ProductTicket.Status.DELIVERED,
        timedelta(days=33),
    ),
    Voice(
        74,
        "cust_12345",
        "api_access",
        8,
        Feedback.Kind.BUG,
        "reliability",
        "https://support.example.com/tickets/2251",
        "One call in eight fails and the message does not say why.",
        ProductTicket.Status.IN_PROGRESS,
    ),
    Voice(
        66,
        "cust_106",
        "crm_integration",
        7,
        Feedback.Kind.BUG,
        "connection",
        "https://support.example.com/tickets/2302",
        "The connection has to be renewed by hand every week.",
    ),
    Voice(
        60,
        "cust_124",
        "core_analytics",
        3,
        Feedback.Kind.FEATURE_REQUEST,
        "export",
        "call notes, success review",
        "Export of charts as images.",
        ProductTicket.Status.DECLINED,
    ),
    Voice(
        51,
        "cust_103",
        "api_access",
        7,
        Feedback.Kind.BUG,
        "reliability",
        "https://support.example.com/tickets/2390",
    ),
    Voice(
        43,
        "cust_115",
        "api_access",
        6,
        Feedback.Kind.PERFORMANCE,
        "limits",
        "usage_report_api",
        "Imports stop at the limit in the first minutes.",
    ),
    Voice(
        37,
        "cust_108",
        "lead_scoring",
        5,
        Feedback.Kind.USABILITY,
        "scores",
        "survey_comment_lead_scoring",
        "Nobody can say why a lead has its score.",
    ),
    Voice(
        30,
        "cust_120",
        "ab_testing",
        4,
        Feedback.Kind.FEATURE_REQUEST,
        "reports",
        "call notes, monthly check-in",
        "Tests end before there is a winner.",
    ),
    Voice(
        22,
        "cust_106",
        "crm_integration",
        9,
        Feedback.Kind.BUG,
        "connection",
        "https://support.example.com/tickets/2481",
        "Deals were written to the wrong owner after the last failure.",
    ),
    Voice(
        15,
        "cust_112",
        "crm_integration",
        6,
        Feedback.Kind.BUG,
        "connection",
        "https://support.example.com/tickets/2510",
    ),
    Voice(
        9,
        "cust_101",
        "api_access",
        8,
        Feedback.Kind.PERFORMANCE,
        "limits",
        "usage_report_api",
        "The nightly export no longer ends before the working day.",
    ),
    Voice(
        4,
        "cust_127",
        "unified_inbox",
        2,
        Feedback.Kind.USABILITY,
        "layout",
        "chat_transcript",
    ),
)
