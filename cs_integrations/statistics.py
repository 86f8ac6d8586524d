"""The statistics that several domains need. Pure; numbers come in and go out as ``Decimal``.

Results are not rounded: a domain rounds to the places that it shows.
Source: Pearson's product-moment correlation; Fisher's z transform for its interval.
"""

import math
from collections.abc import Sequence
from decimal import Decimal

FISHER_LOSS = 3  # the standard error of Fisher's z is 1 / sqrt(n - 3)


def pearson(*, pairs: Sequence[tuple[Decimal, Decimal]]) -> Decimal | None:
    """Return Pearson's r of the pairs, -1 to 1; None where a side does not vary.

    Fewer than two pairs do not vary.
    """
    xs, ys = [float(x) for x, _ in pairs], [float(y) for _, y in pairs]
    if not pairs or min(xs) == max(xs) or min(ys) == max(ys):
        return None
    x_mean, y_mean = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    x_off, y_off = [x - x_mean for x in xs], [y - y_mean for y in ys]
    spread = math.hypot(*x_off) * math.hypot(*y_off)
    if spread == 0:  # differences too small for a float's square
        return None
    together = math.fsum(x * y for x, y in zip(x_off, y_off, strict=True))
    # Rounding errors of the sums can carry r past 1 by one unit in the last place.
    return Decimal(str(max(-1.0, min(1.0, together / spread))))


def fisher_interval(
    *, coefficient: Decimal, sample_size: int, z: Decimal
) -> tuple[Decimal, Decimal] | None:
    """Return the confidence interval of a correlation, low and high.

    ``z`` is the interval's half width in standard errors (1.96 for 95%). None for fewer than
    four pairs, which leave no degree of freedom. A perfect correlation has no width: the
    transform is infinite there.
    """
    if sample_size <= FISHER_LOSS:
        return None
    if abs(coefficient) == 1:
        return coefficient, coefficient
    center = math.atanh(float(coefficient))
    reach = float(z) / math.sqrt(sample_size - FISHER_LOSS)
    return Decimal(str(math.tanh(center - reach))), Decimal(str(math.tanh(center + reach)))
