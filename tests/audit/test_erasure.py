"""A destroyed data key erases a client's exact requests, and leaves every proof whole."""

import hashlib
from datetime import UTC, date, datetime

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import ProgrammingError, connection, transaction

from audit import canonical, data_keys, envelopes, keys
from audit.keeping import erasure, holds
from audit.models import AuditBody, AuditRecord, DataKey
from cs_integrations.database import roles
from tests.audit import records

MONTH = date(2001, 8, 1)
AT = datetime(2001, 8, 20, 8, tzinfo=UTC)
EARLIER = datetime(2001, 7, 20, 8, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def write(client_id: str = "ledger", at: datetime = AT):
    return records.written_with_exact_request(at=at, client_id=client_id)


def envelope_of(record_id) -> envelopes.Envelope:
    body = AuditBody.objects.get(pk=record_id)
    key = data_keys.by_id(body.data_key)
    return envelopes.opened(bytes(body.sealed_request), record_id=record_id, key=key.secret)


def erase(client_id: str = "ledger", month: date | None = MONTH) -> erasure.Erasure:
    return erasure.erase(client_id=client_id, month=month, at=NOW)


class TestErasing:
    def test_takes_away_the_exact_requests_of_the_clients_month(self, owner):
        erased, earlier, others = write(), write(at=EARLIER), write("reporting")
        assert envelope_of(erased).body == b"{}"

        done = erase()

        assert (done.months, done.requests) == ([MONTH], 1)
        with pytest.raises(data_keys.KeyDestroyed):
            envelope_of(erased)
        assert envelope_of(earlier).body == envelope_of(others).body == b"{}"

    def test_takes_those_of_all_months_if_so_asked(self, owner):
        ids = [write(), write(), write(at=EARLIER)]

        done = erase(month=None)

        assert (done.months, done.requests) == ([date(2001, 7, 1), MONTH], 3)
        for record_id in ids:
            with pytest.raises(data_keys.KeyDestroyed):
                envelope_of(record_id)

    def test_leaves_no_trace_of_the_key_but_when_it_was_destroyed(self, owner):
        write()

        [key_id] = erase().keys

        key = DataKey.objects.get(pk=key_id)
        assert (key.client_id, key.month) == ("ledger", MONTH)
        assert (key.wrapped, key.destroyed_at) == (None, NOW)

    def test_leaves_each_proof_whole(self, owner):
        record_id = write()
        before = records.leaves()[record_id]

        erase()

        leaf, _xact = after = records.leaves()[record_id]
        assert after == before
        written, mac = canonical.split(leaf)
        assert keys.mac_fits(written, mac, key_id=keys.mac_key_id())
        [form] = canonical.copied(
            f"SELECT {canonical.BODY_BYTES} FROM audit_body AS body WHERE id = %s", [record_id]
        )
        stated = bytes(AuditRecord.objects.get(pk=record_id).body_sha256)
        assert hashlib.sha256(form[4:]).digest() == stated

    def test_leaves_what_is_kept_in_the_open(self, owner):
        record_id = write()

        erase()

        assert bytes(AuditBody.objects.get(pk=record_id).request) == b'{"period":"2001-Q1"}'

    def test_lets_the_client_go_on_with_another_key(self, owner):
        erased = write()
        [destroyed] = erase().keys

        data_keys.forget()  # as each worker does within a minute
        later = write()

        assert AuditBody.objects.get(pk=later).data_key != destroyed
        assert envelope_of(later).body == b"{}"
        with pytest.raises(data_keys.KeyDestroyed):
            envelope_of(erased)
        assert erase().requests == 1

    def test_is_refused_when_there_is_nothing_to_erase(self, owner):
        write()
        erase()

        for client_id, month in (("ledger", MONTH), ("ledger", None), ("unknown", None)):
            with pytest.raises(erasure.NothingToErase):
                erase(client_id, month)

    @pytest.mark.parametrize("held", [MONTH, None])
    def test_is_refused_in_whole_under_a_legal_hold(self, owner, held):
        ids = [write(), write(at=EARLIER)]
        holds.place(month=held, reason="case 7", operator="ann", at=NOW)

        for month in (MONTH, None):
            with pytest.raises(holds.UnderHold, match="case 7"):
                erase(month=month)

        assert {envelope_of(record_id).body for record_id in ids} == {b"{}"}

    def test_is_no_business_of_the_role_that_serves(self, db):
        refused = pytest.raises(ProgrammingError, match="denied")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE audit_data_key SET wrapped = NULL, destroyed_at = now()")


class TestTheCommand:
    @pytest.fixture
    def kept(self, transactional_db):
        """Commit the key and request of a client of this test's own."""
        with roles.as_owner(connection):
            records.make_month(MONTH)
        record_id = write(f"client of {datetime.now(UTC)}")
        return record_id, AuditRecord.objects.get(pk=record_id).client_id

    def test_asks_first(self, kept, monkeypatch, capsys):
        record_id, client_id = kept
        monkeypatch.setattr("builtins.input", lambda _question: "no")

        with pytest.raises(CommandError, match="Nothing was erased"):
            call_command("audit_erase", "--client", client_id, "--month", "2001-08")

        assert f"1 exact requests (2001-08) of {client_id}" in capsys.readouterr().out
        assert envelope_of(record_id).body == b"{}"

    def test_says_what_it_did(self, kept, monkeypatch, capsys):
        record_id, client_id = kept
        monkeypatch.setattr("builtins.input", lambda _question: "yes")

        call_command("audit_erase", "--client", client_id, "--month", "2001-08")

        said = capsys.readouterr().out
        assert "Erased: 1 exact requests (2001-08), 1 data keys destroyed." in said
        with pytest.raises(data_keys.KeyDestroyed):
            envelope_of(record_id)

    def test_does_not_ask_when_told_so(self, kept):
        record_id, client_id = kept

        call_command("audit_erase", "--client", client_id, "--all-months", "--yes")

        with pytest.raises(data_keys.KeyDestroyed):
            envelope_of(record_id)

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--client", "unknown", "--month", "2001-08", "--yes"),
            ("--client", "ledger", "--yes"),
            ("--month", "2001-08", "--yes"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, transactional_db, arguments):
        with pytest.raises(CommandError):
            call_command("audit_erase", *arguments)
