"""Legal holds: placed and released by name, never deleted, and not by the role that serves."""

from datetime import UTC, date, datetime

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import ProgrammingError, connection, transaction

from audit.keeping import holds
from audit.models import LegalHold
from cs_integrations.database import roles

MONTH = date(2001, 5, 1)
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


class TestAHold:
    def test_says_who_placed_it_and_why(self, owner):
        number = holds.place(month=MONTH, reason="case 7", operator="ann", at=AT)

        hold = LegalHold.objects.get(pk=number)
        assert (hold.month, hold.reason) == (MONTH, "case 7")
        assert (hold.placed_by, hold.placed_at) == ("ann", AT)
        assert (hold.released_by, hold.released_at) == ("", None)

    def test_stays_in_the_list_with_who_released_it(self, owner):
        number = holds.place(month=MONTH, reason="case 7", operator="ann", at=AT)

        holds.release(number=number, operator="bob", at=AT)

        [hold] = [hold for hold in holds.listed() if hold.pk == number]
        assert (hold.released_by, hold.released_at) == ("bob", AT)

    def test_is_released_once(self, owner):
        number = holds.place(month=None, reason="case 7", operator="ann", at=AT)
        holds.release(number=number, operator="bob", at=AT)

        with pytest.raises(holds.NoSuchHold):
            holds.release(number=number, operator="eve", at=AT)

        assert LegalHold.objects.get(pk=number).released_by == "bob"

    def test_covers_its_month_only_and_all_others_cover_each(self, owner):
        holds.place(month=MONTH, reason="case 7", operator="ann", at=AT)

        holds.refuse_if_held(date(2001, 6, 1))
        with pytest.raises(holds.UnderHold, match=r"2001-05 is under legal hold \d+ \(case 7\)"):
            holds.refuse_if_held(MONTH)

        holds.place(month=None, reason="case 8", operator="ann", at=AT)
        with pytest.raises(holds.UnderHold, match="case 8"):
            holds.refuse_if_held(date(2001, 6, 1))

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO audit_legal_hold (reason, placed_by, placed_at) VALUES ('', '', now())",
            "UPDATE audit_legal_hold SET released_at = now()",
            "DELETE FROM audit_legal_hold",
        ],
    )
    def test_is_no_business_of_the_role_that_serves(self, db, statement):
        refused = pytest.raises(ProgrammingError, match="denied")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


class TestTheCommand:
    @pytest.fixture
    def placed(self, transactional_db, capsys):
        call_command("audit_hold", "place", "--month", "2001-05", "--reason", "case 7")
        number = int(capsys.readouterr().out.split()[1])
        yield number
        with roles.as_owner(connection), connection.cursor() as cursor:
            cursor.execute("DELETE FROM audit_legal_hold WHERE id = %s", [number])

    def test_places_lists_and_releases(self, placed, capsys):
        call_command("audit_hold", "release", str(placed), "--operator", "bob")
        call_command("audit_hold", "list")

        said = capsys.readouterr().out
        assert f"Hold {placed} is released." in said
        assert f"{placed}  2001-05  case 7  placed by " in said
        assert ", released by bob " in said

    def test_takes_the_operator_from_the_system(self, placed, monkeypatch):
        assert LegalHold.objects.get(pk=placed).placed_by != ""

    @pytest.mark.parametrize(
        "arguments",
        [
            ("place", "--reason", "case 7"),
            ("place", "--month", "2001-05"),
            ("place", "--month", "2001-05", "--all", "--reason", "case 7"),
            ("place", "--month", "May", "--reason", "case 7"),
            ("place", "--all", "--reason", " "),
            ("release", "0"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, transactional_db, arguments):
        count = LegalHold.objects.count()

        with pytest.raises(CommandError):
            call_command("audit_hold", *arguments)

        assert LegalHold.objects.count() == count
