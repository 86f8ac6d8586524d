"""Which sequences a health trigger starts.

The row numbers are those of the table in docs/rules/marketing.md, "Choice of sequences".
Source: spec, Health Trigger API; ITP T1.1, T1.2, T3.1; HSF red actions; TPL win-back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from cs_integrations.customers.health import RiskCategory, Zone, zone
from marketing.rules.parameters import PARAMETERS, MarketingParameters
from marketing.rules.signals import HealthFall


class SequenceCode(StrEnum):
    """Automated journeys of several mails that a customer can be enrolled in."""

    CRITICAL_RESCUE = "critical_rescue"
    RETENTION_RECOVERY = "retention_recovery"
    ONBOARDING_NURTURE = "onboarding_nurture"
    MILESTONE_CELEBRATION = "milestone_celebration"
    ADVOCACY_INVITE = "advocacy_invite"
    EXPANSION_NURTURE = "expansion_nurture"
    FEATURE_ADOPTION_BOOST = "feature_adoption_boost"
    WINBACK_RECENT = "winback_recent"
    WINBACK_MID = "winback_mid"
    WINBACK_LONG = "winback_long"
    ADOPTION_ACCELERATION = "adoption_acceleration"
    RENEWAL_PREP = "renewal_prep"  # started by people before a renewal, by no trigger


class CampaignKind(StrEnum):
    """What a campaign is for."""

    RETENTION = "retention"
    LIFECYCLE = "lifecycle"
    EXPANSION = "expansion"
    ADVOCACY = "advocacy"
    WINBACK = "winback"


CAMPAIGN_KINDS: Mapping[SequenceCode, CampaignKind] = {
    SequenceCode.CRITICAL_RESCUE: CampaignKind.RETENTION,
    SequenceCode.RETENTION_RECOVERY: CampaignKind.RETENTION,
    SequenceCode.RENEWAL_PREP: CampaignKind.RETENTION,
    SequenceCode.ONBOARDING_NURTURE: CampaignKind.LIFECYCLE,
    SequenceCode.MILESTONE_CELEBRATION: CampaignKind.LIFECYCLE,
    SequenceCode.FEATURE_ADOPTION_BOOST: CampaignKind.LIFECYCLE,
    SequenceCode.ADOPTION_ACCELERATION: CampaignKind.LIFECYCLE,
    SequenceCode.EXPANSION_NURTURE: CampaignKind.EXPANSION,
    SequenceCode.ADVOCACY_INVITE: CampaignKind.ADVOCACY,
    SequenceCode.WINBACK_RECENT: CampaignKind.WINBACK,
    SequenceCode.WINBACK_MID: CampaignKind.WINBACK,
    SequenceCode.WINBACK_LONG: CampaignKind.WINBACK,
}

NURTURED_PHASES = frozenset({"onboarding", "adoption"})  # phases of the milestone catalogue
CELEBRATED_MILESTONES = frozenset({"renewal_achieved", "expansion_delivered"})


class SuppressionReason(StrEnum):
    """Why a sequence that would fit is not started."""

    RED_ZONE = "red_zone"
    RESCUE_FIRST = "rescue_first"
    BLOCKING_CASE = "renewal_blocking_case"
    NO_CONTACT = "no_contact"
    OPTED_OUT = "opted_out"
    FREQUENCY_CAP = "frequency_cap"


SENTENCES: Mapping[SuppressionReason, str] = {
    SuppressionReason.RED_ZONE: "no expansion is offered in the red zone",
    SuppressionReason.RESCUE_FIRST: "a critical customer is rescued before anything is sold",
    SuppressionReason.BLOCKING_CASE: "an open escalation blocks the renewal",
    SuppressionReason.NO_CONTACT: "the customer has no marketing contact",
    SuppressionReason.OPTED_OUT: "every marketing contact has opted out of mail",
    SuppressionReason.FREQUENCY_CAP: "every willing contact has had this week's mails",
}


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A sequence that fits the customer and is held back."""

    sequence: SequenceCode
    reason: SuppressionReason

    @property
    def sentence(self) -> str:
        """Return the reason as a sentence for the explanation."""
        return f"{self.sequence} is not started: {SENTENCES[self.reason]}."


@dataclass(frozen=True, slots=True)
class ReachedMilestone:
    """A milestone of the catalogue that came with the trigger."""

    code: str
    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFacts:
    """What the choice of sequences looks at."""

    health_score: Decimal  # 0 to 100, as sent
    category: RiskCategory  # the effective one
    fall: HealthFall
    milestones: tuple[ReachedMilestone, ...] = ()
    readiness: Decimal | None = None  # expansion readiness, 0 to 100; None: not known
    highest_open_tier: int | None = None  # of the customer's open escalations; None: none open
    weak_core_features: tuple[str, ...] = ()  # slugs of owned core features with low adoption
    churned_months: int | None = None  # full months since the customer left; None: a customer


@dataclass(frozen=True, slots=True)
class Match:
    """A row of the table that applies."""

    row: int
    sequence: SequenceCode
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceChoice:
    """The sequences that fit, in order of priority, and what comes with them."""

    zone: Zone
    matches: tuple[Match, ...]
    suppressed: tuple[Suppressed, ...]
    workflow: str | None  # code of a workflow to start at ``workflow_tier``; mail or no mail
    workflow_tier: int
    creates_lead: bool  # an expansion lead (MQL) is due; a record, so no consent is needed

    @property
    def sequences(self) -> tuple[SequenceCode, ...]:
        """Return the codes in order of priority."""
        return tuple(match.sequence for match in self.matches)


def choose_sequences(
    *, facts: TriggerFacts, parameters: MarketingParameters = PARAMETERS
) -> SequenceChoice:
    """Return every sequence that fits the facts, most urgent first.

    Groups add up; inside the rescue and retention group only the first match counts.
    A churned customer gets a win-back sequence and nothing else.
    """
    here = zone(facts.health_score)
    matches: tuple[Match, ...]
    suppressed: tuple[Suppressed, ...] = ()
    if facts.churned_months is not None:
        matches = (_win_back(facts.churned_months, parameters),)
    else:
        urgent = _rescue_or_retention(facts, here)
        expansion, suppressed = _expansion(facts, here, parameters)
        matches = (*urgent, *_lifecycle(facts, here), *expansion, *_weak_adoption(facts))
        matches = matches or _fallback(facts)
    chosen = {match.sequence for match in matches}
    is_rescue = SequenceCode.CRITICAL_RESCUE in chosen
    return SequenceChoice(
        zone=here,
        matches=matches,
        suppressed=suppressed,
        workflow=parameters.rescue_workflow if is_rescue else None,
        workflow_tier=parameters.rescue_tier,
        creates_lead=SequenceCode.EXPANSION_NURTURE in chosen,
    )


def full_months(*, start: date, end: date) -> int:
    """Return the full calendar months from ``start`` to ``end``, never under 0.

    A month is full on the same day of the month, or on the last day of a shorter one:
    31 January to 28 February is one month.
    """
    months = (end.year - start.year) * 12 + end.month - start.month
    is_month_end = (end + timedelta(days=1)).day == 1
    if end.day < start.day and not is_month_end:
        months -= 1
    return max(months, 0)


def _rescue_or_retention(facts: TriggerFacts, here: Zone) -> tuple[Match, ...]:
    if here is Zone.RED:
        return (Match(1, SequenceCode.CRITICAL_RESCUE, "the score is in the red zone"),)
    if facts.category is RiskCategory.CRITICAL:
        return (Match(1, SequenceCode.CRITICAL_RESCUE, "the effective category is critical"),)
    if here is not Zone.YELLOW:
        return ()
    signs = list(facts.fall.signs)
    if facts.category is RiskCategory.AT_RISK:
        because = "yellow zone and effective category at_risk"
    elif signs:
        because = f"yellow zone and {', '.join(signs)}"
    else:
        return ()
    return (Match(2, SequenceCode.RETENTION_RECOVERY, because),)


def _lifecycle(facts: TriggerFacts, here: Zone) -> tuple[Match, ...]:
    if here is Zone.RED:
        return ()
    nurtured = sorted(item.code for item in facts.milestones if item.phase in NURTURED_PHASES)
    celebrated = sorted({item.code for item in facts.milestones} & CELEBRATED_MILESTONES)
    matches = []
    if nurtured:
        reached = f"milestones {', '.join(nurtured)}"
        matches.append(Match(3, SequenceCode.ONBOARDING_NURTURE, reached))
    if celebrated:
        reached = f"milestones {', '.join(celebrated)}"
        matches.append(Match(4, SequenceCode.MILESTONE_CELEBRATION, reached))
        if here is Zone.GREEN:
            reached += " in the green zone"
            matches.append(Match(4, SequenceCode.ADVOCACY_INVITE, reached))
    return tuple(matches)


def _expansion(
    facts: TriggerFacts, here: Zone, parameters: MarketingParameters
) -> tuple[tuple[Match, ...], tuple[Suppressed, ...]]:
    if facts.readiness is None or facts.readiness <= parameters.readiness_over:
        return (), ()
    if here is Zone.YELLOW:
        return (), ()
    blocking_tier = facts.highest_open_tier or 0
    reason = None
    if here is Zone.RED:
        reason = SuppressionReason.RED_ZONE
    elif facts.category is RiskCategory.CRITICAL:
        reason = SuppressionReason.RESCUE_FIRST
    elif blocking_tier >= parameters.blocking_tier_from:
        reason = SuppressionReason.BLOCKING_CASE
    if reason is not None:
        return (), (Suppressed(SequenceCode.EXPANSION_NURTURE, reason),)
    because = f"green zone and readiness over {parameters.readiness_over}"
    return (Match(5, SequenceCode.EXPANSION_NURTURE, because),), ()


def _weak_adoption(facts: TriggerFacts) -> tuple[Match, ...]:
    if not facts.weak_core_features:
        return ()
    features = ", ".join(sorted(facts.weak_core_features))
    because = f"low adoption of {features}"
    return (Match(6, SequenceCode.FEATURE_ADOPTION_BOOST, because),)


def _win_back(churned_months: int, parameters: MarketingParameters) -> Match:
    if churned_months >= parameters.winback_long_from:
        sequence = SequenceCode.WINBACK_LONG
    elif churned_months >= parameters.winback_mid_from:
        sequence = SequenceCode.WINBACK_MID
    else:
        sequence = SequenceCode.WINBACK_RECENT
    return Match(7, sequence, f"churned {churned_months} full months ago")


def _fallback(facts: TriggerFacts) -> tuple[Match, ...]:
    if facts.category is not RiskCategory.MONITOR:
        return ()
    because = "effective category monitor and nothing else fits"
    return (Match(8, SequenceCode.ADOPTION_ACCELERATION, because),)
