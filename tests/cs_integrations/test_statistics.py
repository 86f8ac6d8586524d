"""The shared statistics, held against published tables and an independent computation."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.statistics import fisher_interval, pearson

Z = Decimal("1.96")


def pairs(*rows):
    return [(Decimal(x), Decimal(y)) for x, y in rows]


class TestPearson:
    @given(
        rows=st.lists(
            st.tuples(
                st.decimals(-100, 100, places=2, allow_nan=False),
                st.decimals(-100, 100, places=2, allow_nan=False),
            ),
            min_size=2,
            max_size=40,
        )
    )
    def test_equals_numpys(self, rows):
        result = pearson(pairs=rows)

        xs, ys = [float(x) for x, _ in rows], [float(y) for _, y in rows]
        if result is None:
            assert len(set(xs)) == 1 or len(set(ys)) == 1
        else:
            assert -1 <= result <= 1
            assert float(result) == pytest.approx(np.corrcoef(xs, ys)[0, 1], abs=1e-9)

    @pytest.mark.parametrize("rows", [(), ((1, 2),), ((1, 2), (1, 3)), ((1, 5), (2, 5))], ids=str)
    def test_is_none_where_a_side_does_not_vary(self, rows):
        assert pearson(pairs=pairs(*rows)) is None

    @pytest.mark.parametrize("slope", [3, -3])
    def test_of_a_straight_line_is_perfect(self, slope):
        result = pearson(pairs=pairs(*((x, slope * x) for x in range(12))))

        assert float(result) == pytest.approx(slope / 3)


class TestFisherInterval:
    @pytest.mark.parametrize(("size", "low", "high"), [(30, "0.74", "0.94"), (12, "0.59", "0.96")])
    def test_gives_the_check_values(self, size, low, high):
        interval = fisher_interval(coefficient=Decimal("0.87"), sample_size=size, z=Z)

        assert [round(end, 2) for end in interval] == [Decimal(low), Decimal(high)]

    @pytest.mark.parametrize(
        ("size", "least"),
        [(10, "0.63"), (12, "0.58"), (20, "0.44"), (30, "0.36"), (45, "0.29")],
    )
    def test_agrees_with_the_least_significant_r(self, size, least):
        """Just above the tabled |r| the interval leaves 0 out, well below it does not."""
        step = Decimal("0.03")
        above, _ = fisher_interval(coefficient=Decimal(least) + step, sample_size=size, z=Z)
        below, _ = fisher_interval(coefficient=Decimal(least) - step, sample_size=size, z=Z)

        assert above > 0 >= below

    @pytest.mark.parametrize("perfect", [Decimal(1), Decimal(-1)])
    def test_of_a_perfect_correlation_has_no_width(self, perfect):
        interval = fisher_interval(coefficient=perfect, sample_size=12, z=Z)

        assert interval == (perfect, perfect)

    def test_needs_four_pairs(self):
        assert fisher_interval(coefficient=Decimal("0.5"), sample_size=3, z=Z) is None
        assert fisher_interval(coefficient=Decimal("0.5"), sample_size=4, z=Z) is not None
