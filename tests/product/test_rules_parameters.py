"""The constants of product, as docs/rules/product.md states them."""

from cs_integrations.parameters import DOC, PROPOSED, describe
from product.rules import PARAMETERS


class TestParameters:
    def test_every_constant_names_its_unit_its_source_and_its_standing(self) -> None:
        for note in describe(PARAMETERS):
            assert note.unit, note.name
            assert note.source, note.name
            assert note.standing in {DOC, PROPOSED}, note.name

    def test_the_four_weights_of_a_priority_add_up_to_one(self) -> None:
        weights = (
            PARAMETERS.impact_weight
            + PARAMETERS.tier_weight
            + PARAMETERS.prevalence_weight
            + PARAMETERS.risk_weight
        )

        assert weights == 1
