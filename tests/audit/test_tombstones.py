"""A tombstone's text has one form, so that its signature covers one meaning."""

import pytest

from audit.proof.tombstones import MalformedTombstone, Statement


class TestItsText:
    TEXT = (
        "cs-integrations audit tombstone v1\ntable audit_record\nmonth 2001-03\nrecords 3\n"
        f"digest {'0' * 64}\nbatches 1\nroots {'f' * 64}\n"
        f"dropped 2008-04-01T00:00:00.000000Z\nkey {'a' * 16}\n"
    )

    def test_is_read_back_as_it_was_written(self):
        assert Statement.parsed(self.TEXT).text == self.TEXT

    @pytest.mark.parametrize(
        ("line", "other"),
        [
            ("v1", "v2"),
            ("2001-03", "2001-13"),
            ("records 3", "records three"),
            ("2008-04-01", "2008-04-31"),
            ("key ", "key  "),
            ("batches 1\n", ""),
        ],
    )
    def test_has_one_form_only(self, line, other):
        with pytest.raises(MalformedTombstone):
            Statement.parsed(self.TEXT.replace(line, other))
