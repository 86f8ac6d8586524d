"""How strongly two measures of the same customers move together. Pure.

Source: spec, Adoption Insights API (``health_correlation``); docs/rules/product.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cs_integrations.api.formats import half_up
from product.rules.parameters import PARAMETERS, ProductParameters

FEWEST_FOR_INTERVAL = 4  # the Fisher interval divides by the root of n - 3


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
    r = _pearson([float(x) for x, _ in pairs], [float(y) for _, y in pairs])
    if r is None:
        reason = "one of the two values is the same for every customer"
        return Correlation(value=None, interval=None, sample_size=size, reason=reason)
    return Correlation(
        value=_rounded(r, parameters),
        interval=_fisher_interval(r, size, parameters),
        sample_size=size,
    )


def _pearson(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    if not xs or min(xs) == max(xs) or min(ys) == max(ys):
        return None
    x_mean, y_mean = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    x_off, y_off = [x - x_mean for x in xs], [y - y_mean for y in ys]
    spread = math.sqrt(math.fsum(x * x for x in x_off)) * math.sqrt(math.fsum(y * y for y in y_off))
    if spread == 0:  # differences too small for a float's square
        return None
    together = math.fsum(x * y for x, y in zip(x_off, y_off, strict=True))
    return max(-1.0, min(1.0, together / spread))


def _fisher_interval(
    r: float, size: int, parameters: ProductParameters
) -> tuple[Decimal, Decimal] | None:
    if size < FEWEST_FOR_INTERVAL:
        return None
    if abs(r) == 1:  # the transform is infinite, the interval has no width
        return _rounded(r, parameters), _rounded(r, parameters)
    center = math.atanh(r)
    reach = float(parameters.interval_z) / math.sqrt(size - 3)
    low, high = math.tanh(center - reach), math.tanh(center + reach)
    return _rounded(low, parameters), _rounded(high, parameters)


def _rounded(value: float, parameters: ProductParameters) -> Decimal:
    return half_up(Decimal(str(value)), parameters.correlation_step)
