"""How strongly two measures of the same customers move together. Pure.

Source: spec, Adoption Insights API (``health_correlation``); docs/rules/product.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cs_integrations.api.formats import half_up
from cs_integrations.statistics import fisher_interval, pearson
from product.rules.parameters import PARAMETERS, ProductParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """Pearson's r of a sample, or why there is none."""

    value: Decimal | None  # -1 to 1, two places
    interval: tuple[Decimal, Decimal] | None  # 95%, low and high
    sample_size: int
    reason: str = ""  # why the value is None


def correlation(
    *, pairs: Sequence[tuple[Decimal, Decimal]], parameters: ProductParameters = PARAMETERS
) -> Correlation:
    """Return Pearson's r with its 95% Fisher interval.

    The value is None for fewer than 10 pairs, or when either measure is the same for all.
    """
    size = len(pairs)
    needed = parameters.correlation_min_customers
    if size < needed:
        reason = f"{size} customers have both values and {needed} are needed"
        return Correlation(value=None, interval=None, sample_size=size, reason=reason)
    coefficient = pearson(pairs=pairs)
    if coefficient is None:
        reason = "one of the two values is the same for every customer"
        return Correlation(value=None, interval=None, sample_size=size, reason=reason)
    return Correlation(
        value=half_up(coefficient, parameters.correlation_step),
        interval=_interval(coefficient, size, parameters),
        sample_size=size,
    )


def _interval(
    coefficient: Decimal, size: int, parameters: ProductParameters
) -> tuple[Decimal, Decimal] | None:
    bounds = fisher_interval(coefficient=coefficient, sample_size=size, z=parameters.interval_z)
    if bounds is None:
        return None
    low, high = bounds
    return half_up(low, parameters.correlation_step), half_up(high, parameters.correlation_step)
