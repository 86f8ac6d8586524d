"""The constants of marketing, read as the specification. No database."""

from cs_integrations.parameters import DOC, PROPOSED, describe
from marketing.rules import CAMPAIGN_KINDS, PARAMETERS, SequenceCode


class TestParameters:
    def test_every_constant_names_its_unit_and_source(self):
        for note in describe(PARAMETERS):
            assert note.unit, note.name
            assert note.source, note.name
            assert note.standing in {DOC, PROPOSED}, note.name

    def test_every_sequence_has_a_campaign_kind(self):
        assert set(CAMPAIGN_KINDS) == set(SequenceCode)
