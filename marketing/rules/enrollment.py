"""From chosen sequences to enrollments: consent, frequency cap, reuse, repeats.

Source: spec, Health Trigger API; ITP checklist (opt-out honored); MK frequency cap;
docs/rules/marketing.md, "Enrollment" and "Repeats".
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketing.rules.parameters import PARAMETERS, MarketingParameters
from marketing.rules.sequences import (
    CAMPAIGN_KINDS,
    CampaignKind,
    SequenceChoice,
    SequenceCode,
    Suppressed,
    SuppressionReason,
)
from marketing.rules.signals import HealthSignal


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A marketing contact of the customer who has not left."""

    stakeholder_id: int
    is_opted_out: bool  # of mail
    messages_sent: int  # in the trailing ``message_days``


@dataclass(frozen=True, slots=True)
class Reuse:
    """A chosen sequence that already runs for the customer."""

    sequence: SequenceCode
    campaign_id: str  # public id of the campaign it runs in


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentPlan:
    """What a trigger does to the customer's enrollments."""

    listed: tuple[SequenceCode, ...]  # started and reused, in order of priority
    started: tuple[SequenceCode, ...]
    reused: tuple[Reuse, ...]
    suppressed: tuple[Suppressed, ...]
    reachable: tuple[int, ...]  # stakeholder ids that the started sequences may write to

    @property
    def campaign_kind(self) -> CampaignKind | None:
        """Return the kind of the campaign to start, None when none is started."""
        return CAMPAIGN_KINDS[self.started[0]] if self.started else None

    @property
    def reused_campaign_id(self) -> str | None:
        """Return the campaign to answer with when nothing is started, if there is one."""
        return self.reused[0].campaign_id if self.reused and not self.started else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return a sentence for each thing held back, reused or missing."""
        sentences = [item.sentence for item in self.suppressed]
        sentences += [
            f"{item.sequence} already runs in {item.campaign_id}." for item in self.reused
        ]
        if not self.listed:
            cause = "every fitting sequence is held back" if self.suppressed else "no sequence fits"
            sentences.append(f"campaign_id is null because {cause}.")
        return tuple(sentences)


def plan_enrollments(
    *,
    choice: SequenceChoice,
    contacts: Iterable[Contact],
    active: Mapping[SequenceCode, str],
    parameters: MarketingParameters = PARAMETERS,
) -> EnrollmentPlan:
    """Return which chosen sequences start, which run already and which are held back.

    ``active`` maps the customer's running sequences to the public ids of their campaigns.
    A running sequence is reused and listed whatever the contacts say: it starts nothing new.
    """
    people = tuple(contacts)
    reachable = tuple(
        person.stakeholder_id
        for person in people
        if not person.is_opted_out and person.messages_sent < parameters.message_cap
    )
    obstacle = None if reachable else _obstacle(people)
    fresh = tuple(code for code in choice.sequences if code not in active)
    held_back = () if obstacle is None else tuple(Suppressed(code, obstacle) for code in fresh)
    started = fresh if obstacle is None else ()
    reused = tuple(Reuse(code, active[code]) for code in choice.sequences if code in active)
    return EnrollmentPlan(
        listed=tuple(code for code in choice.sequences if code in active or code in started),
        started=started,
        reused=reused,
        suppressed=choice.suppressed + held_back,
        reachable=reachable,
    )


def is_running(
    *, started_at: datetime, at: datetime, parameters: MarketingParameters = PARAMETERS
) -> bool:
    """Say whether an enrollment that nobody ended still runs; it runs ``sequence_days``."""
    return at < started_at + timedelta(days=parameters.sequence_days)


def request_fingerprint(*, signal: HealthSignal) -> str:
    """Return 64 hexadecimal digits that are equal for equal triggers.

    75 and 75.0 are equal, and so are milestones in another order; a category that is sent
    and one that is left out are not.
    """
    # normalize() would write 80 as 8E+1; fixed notation keeps 80 and 80.0 alike.
    score = format(signal.health_score.normalize(), "f")
    canonical = json.dumps([score, signal.stated, sorted(signal.milestones)])
    return hashlib.sha256(canonical.encode()).hexdigest()


def is_natural_repeat(
    *, first_at: datetime, at: datetime, parameters: MarketingParameters = PARAMETERS
) -> bool:
    """Say whether a trigger equal to one of ``first_at`` is the same trigger sent again.

    There is no lower bound: of two requests that wait for each other, the one that is served
    second may have read the clock first.
    """
    return at - first_at < timedelta(hours=parameters.repeat_hours)


def _obstacle(people: tuple[Contact, ...]) -> SuppressionReason:
    if not people:
        return SuppressionReason.NO_CONTACT
    if all(person.is_opted_out for person in people):
        return SuppressionReason.OPTED_OUT
    return SuppressionReason.FREQUENCY_CAP
