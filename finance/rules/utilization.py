"""Entitlements that go unused.

Source: spec, Value Realization API; HSF low bands; docs/rules/finance.md.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from cs_integrations.api.formats import percent
from finance.rules.parameters import PARAMETERS, FinanceParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class UseFact:
    """Use of one entitled feature over the contract's last full month."""

    feature_slug: str
    used: Decimal  # in the contracted unit, >= 0
    contracted: Decimal  # > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilizationGap:
    """An entitled feature whose use is well under what was bought."""

    feature_slug: str
    utilization_pct: Decimal  # the level reached, not the size of the gap

    @property
    def code(self) -> str:
        """The gap as the specification writes it: ``feature_x_45%``."""
        return f"{self.feature_slug}_{percent(self.utilization_pct)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilizationGaps:
    """The gaps of a contract, worst first, and what was left out."""

    gaps: tuple[UtilizationGap, ...] = ()
    features_measured: int = 0
    reasons: tuple[str, ...] = ()


def utilization_gaps(
    *, uses: Collection[UseFact], parameters: FinanceParameters = PARAMETERS
) -> UtilizationGaps:
    """Return the features used under the threshold, worst first, then by slug."""
    measured = [
        UtilizationGap(
            feature_slug=use.feature_slug, utilization_pct=use.used / use.contracted * 100
        )
        for use in uses
    ]
    gaps = sorted(
        (gap for gap in measured if gap.utilization_pct < parameters.gap_below_pct),
        key=lambda gap: (gap.utilization_pct, gap.feature_slug),
    )
    left_out = len(gaps) - parameters.gaps_listed
    reasons = []
    if not measured:
        reasons.append("No use of a contracted quantity is on record, so no gap is known.")
    if left_out > 0:
        reasons.append(f"{left_out} more gaps are not listed.")
    return UtilizationGaps(
        gaps=tuple(gaps[: parameters.gaps_listed]),
        features_measured=len(measured),
        reasons=tuple(reasons),
    )
