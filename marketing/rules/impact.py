"""What a trigger is expected to do for health: "15% health_uplift".

Source: spec, Health Trigger API; HEX and INT/api-integration (15 to 20% from a systematic
program); docs/rules/marketing.md, "Estimated impact".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cs_integrations.api.formats import percent
from marketing.rules.parameters import PARAMETERS, MarketingParameters
from marketing.rules.sequences import CAMPAIGN_KINDS, CampaignKind, SequenceCode

FULL_SCORE = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedSample:
    """Measured enrollments of one sequence that began in one zone with a health above 0."""

    size: int  # at least 1
    mean_change_pct: Decimal  # mean of (after - start) / start * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceImpact:
    """The expected relative change of health from one sequence."""

    sequence: SequenceCode
    size: int  # measured enrollments behind it
    mean_change_pct: Decimal | None  # None: no measured enrollment
    prior_pct: Decimal
    estimate_pct: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactEstimate:
    """The largest expected change, and how it came about."""

    impacts: tuple[SequenceImpact, ...]
    leading: SequenceImpact | None  # the sequence that gives the number
    cap_pct: Decimal | None  # what is left up to a full score; None: no cap at score 0
    value_pct: Decimal | None
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str | None:
        """Return the wire's text, None when no sequence is listed."""
        return None if self.value_pct is None else f"{percent(self.value_pct)} health_uplift"


def estimate_impact(
    *,
    health_score: Decimal,
    sequences: tuple[SequenceCode, ...],
    samples: Mapping[SequenceCode, FinishedSample],
    parameters: MarketingParameters = PARAMETERS,
) -> ImpactEstimate:
    """Return the expected relative change of health in percent, from 0 up to a full score.

    ``sequences`` are the listed ones, ``samples`` their history in the zone of the score.
    Effects of several sequences are not added: the largest counts.
    """
    impacts = tuple(
        _impact(sequence=code, sample=samples.get(code), parameters=parameters)
        for code in sequences
    )
    cap = 100 * (FULL_SCORE - health_score) / health_score if health_score > 0 else None
    if not impacts:
        missing = "estimated_impact is null because no sequence is listed."
        return ImpactEstimate(
            impacts=(), leading=None, cap_pct=cap, value_pct=None, reasons=(missing,)
        )
    leading = max(impacts, key=lambda impact: impact.estimate_pct)
    value = max(leading.estimate_pct, Decimal(0))
    reasons = () if value == leading.estimate_pct else ("A fall is not offered as an uplift: 0%.",)
    if cap is not None and value > cap:
        value = cap
        reasons = (f"Capped at {percent(cap)}: a score cannot pass {FULL_SCORE}.",)
    return ImpactEstimate(
        impacts=impacts, leading=leading, cap_pct=cap, value_pct=value, reasons=reasons
    )


def _impact(
    *, sequence: SequenceCode, sample: FinishedSample | None, parameters: MarketingParameters
) -> SequenceImpact:
    """Weigh the history against the prior, which counts as ``prior_strength`` enrollments."""
    is_winback = CAMPAIGN_KINDS[sequence] is CampaignKind.WINBACK
    prior = parameters.winback_prior_pct if is_winback else parameters.prior_uplift_pct
    if sample is None:
        return SequenceImpact(
            sequence=sequence, size=0, mean_change_pct=None, prior_pct=prior, estimate_pct=prior
        )
    total = sample.size * sample.mean_change_pct + parameters.prior_strength * prior
    return SequenceImpact(
        sequence=sequence,
        size=sample.size,
        mean_change_pct=sample.mean_change_pct,
        prior_pct=prior,
        estimate_pct=total / (sample.size + parameters.prior_strength),
    )
