"""The constants of sales, as docs/rules/sales.md states them. No database."""

import pytest

from cs_integrations.parameters import DOC, PROPOSED, ParameterNote, describe
from sales.rules import PARAMETERS, Kpi


@pytest.mark.parametrize("note", describe(PARAMETERS), ids=lambda note: str(note.name))
def test_every_constant_says_where_it_comes_from(note: ParameterNote) -> None:
    assert note.unit
    assert note.source
    assert note.standing in {DOC, PROPOSED}


@pytest.mark.parametrize(
    "weights",
    [
        ("value", "health", "capacity", "executive", "timing"),
        ("completeness", "timeliness", "accuracy", "follow_up"),
    ],
)
def test_weights_add_up_to_one(weights: tuple[str, ...]) -> None:
    assert sum(getattr(PARAMETERS, f"{name}_weight") for name in weights) == 1


@pytest.mark.parametrize("kpi", Kpi)
def test_every_kpi_has_a_range(kpi: Kpi) -> None:
    bounds = getattr(PARAMETERS, kpi)

    assert bounds.low < bounds.high
    assert str(bounds) == f"{bounds.low} to {bounds.high}"
