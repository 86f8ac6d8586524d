"""Constants that carry their unit and source."""

from dataclasses import FrozenInstanceError, dataclass, fields
from decimal import Decimal

import pytest

from cs_integrations.customers.health import HEALTH
from cs_integrations.parameters import DOC, PROPOSED, ParameterNote, describe, parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    window_days: int = parameter(28, unit="days", source="usual practice")
    share: Decimal = parameter(Decimal("0.60"), unit="share", source="ITP T4.1", standing=DOC)


def test_describe_gives_the_notes_in_their_written_order() -> None:
    assert describe(Sample()) == [
        ParameterNote(
            name="window_days",
            default=28,
            unit="days",
            source="usual practice",
            standing=PROPOSED,
        ),
        ParameterNote(
            name="share", default=Decimal("0.60"), unit="share", source="ITP T4.1", standing=DOC
        ),
    ]


def test_a_constant_is_ours_unless_a_document_gives_it() -> None:
    assert describe(Sample())[0].standing == PROPOSED


def test_describe_tells_an_adjusted_value() -> None:
    assert describe(Sample(window_days=14))[0].default == 14


def test_constants_cannot_be_changed() -> None:
    sample = Sample()
    with pytest.raises(FrozenInstanceError):
        sample.window_days = 14  # type: ignore[misc]


def test_every_health_constant_has_a_unit_and_a_source() -> None:
    notes = describe(HEALTH)
    assert [note.name for note in notes] == [item.name for item in fields(HEALTH)]
    assert all(note.unit and note.source and note.standing in (DOC, PROPOSED) for note in notes)
