"""Sealing takes each committed record once, in a final order, whatever else goes on."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from audit import keys
from audit.models import AuditBatch
from audit.proof import batches, sealing, verification
from audit.proof.sealing import AlreadySealing, SealingRefused
from cs_integrations.database import roles
from tests.audit import records, tampering
from tests.audit.seals import (
    another_connection,
    eventually,
    newest_number,
    seal_everything,
    sealed_ids,
)

pytestmark = pytest.mark.usefixtures("trail")


class TestSealing:
    def test_takes_each_record_once(self):
        seal_everything()
        before = newest_number()
        ids = [records.written(at=timezone.now()) for _ in range(5)]

        records.seal_all(ids)
        records.seal_all(ids[:0])

        assert sealed_ids(after=before) == ids

    def test_makes_batches_of_at_most_the_limit_each_linked_to_the_one_before(self):
        seal_everything()
        before = batches.newest()
        ids = [records.written(at=timezone.now()) for _ in range(7)]
        at = timezone.now()
        eventually(lambda: sealing.seal(at=at, limit=3).records or sealed_ids(after=before.number))

        made = list(AuditBatch.objects.filter(number__gt=before.number).order_by("number"))
        assert [batch.records for batch in made] == [3, 3, 1]
        assert sealed_ids(after=before.number) == ids
        assert made[-1].total == before.total + 7
        trusted = keys.public_keys()
        assert [batches.statement_fault(batch, trusted) for batch in made] == ["", "", ""]
        assert {batch.sealed_at for batch in made} == {at}

    def test_says_how_long_the_oldest_record_waited(self):
        seal_everything()
        answered = timezone.now() - timedelta(seconds=90)
        records.written(at=answered, answered_at=answered)
        done = []
        eventually(lambda: done.append(sealing.seal(at=timezone.now())) or done[-1].records)

        assert timedelta(seconds=90) < done[-1].lag < timedelta(seconds=130)

    def test_of_nothing_makes_no_batch(self):
        seal_everything()
        before = newest_number()

        sealed = sealing.seal(at=timezone.now())

        assert (sealed.records, sealed.lag, newest_number()) == (0, None, before)


class TestARecordThatCommitsLate:
    def test_is_not_passed_over_though_its_id_is_older_than_what_was_sealed(self):
        seal_everything()
        before = newest_number()
        with another_connection():
            connection.set_autocommit(False)
            early = records.written(at=timezone.now())
            slow = connection.connection
            connection.connection = None
            connection.connect()
            late = [records.written(at=timezone.now()) for _ in range(3)]
            sealing.seal(at=timezone.now())
            sealed_too_soon = sealed_ids(after=before)
            slow.commit()
            slow.close()
            records.seal_all([early, *late])

        assert sealed_too_soon == []
        assert sealed_ids(after=before) == [early, *late]
        assert min(early, *late) == early

    def test_that_is_undone_is_waited_for_no_longer(self):
        seal_everything()
        before = newest_number()
        with another_connection():
            connection.set_autocommit(False)
            records.written(at=timezone.now())
            slow = connection.connection
            connection.connection = None
            connection.connect()
            late = records.written(at=timezone.now())
            slow.rollback()
            slow.close()
            records.seal_all([late])

        assert sealed_ids(after=before) == [late]


class TestTwoSealers:
    def test_the_second_says_so_and_leaves(self):
        with sealing.only_sealer(), another_connection():
            with pytest.raises(AlreadySealing):
                sealing.seal(at=timezone.now())
            with pytest.raises(CommandError, match="another sealer is at work"):
                call_command("audit_seal")

    def test_the_next_may_come_when_the_first_is_done(self):
        with sealing.only_sealer():
            sealing.seal(at=timezone.now())
        with another_connection():
            sealing.seal(at=timezone.now())


class TestARecordWhoseMacDoesNotFit:
    @pytest.fixture
    def forged(self) -> list[UUID]:
        """Five records whose path was edited before they were sealed."""
        seal_everything()
        ids = []
        for _ in range(5):
            columns = records.values(at=timezone.now())
            mac = b"\0" * 32
            names = (*columns, "mac")
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO audit_record ({', '.join(names)})"
                    f" VALUES ({', '.join(['%s'] * len(names))})",
                    [*columns.values(), mac],
                )
            ids.append(columns["id"])
        yield ids
        with roles.as_owner(connection), connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("DELETE FROM audit_record WHERE id = ANY(%s)", [ids])

    def test_is_reported_and_never_sealed_and_keeps_nobody_else_from_it(self, forged, caplog):
        before = newest_number()
        honest = records.written(at=timezone.now())
        seen = set()

        def seal():
            sealed = sealing.seal(at=timezone.now(), limit=2)  # less than the forged ones
            seen.update(sealed.forged)
            return sealed.records

        eventually(seal)

        assert sealed_ids(after=before) == [honest]
        assert seen == set(forged)
        assert caplog.text.count("ALARM audit record not sealed") >= 5
        states = verification.verify_records([*forged, honest])
        assert set(states.values()) == {"broken", "sealed"}

    def test_is_named_by_the_command(self, forged):
        error = StringIO()
        eventually(lambda: call_command("audit_seal", stderr=error) or error.getvalue())

        assert f"Not sealed, its MAC does not fit: {forged[0]}" in error.getvalue()


class TestSealingIsRefused:
    @pytest.fixture
    def sealed_before(self) -> None:
        seal_everything()

    def test_on_top_of_a_batch_that_somebody_else_signed(self, sealed_before, undone):
        newest = batches.newest()
        tampering._sealed_again(newest, {}, Ed25519PrivateKey.generate(), None)

        with pytest.raises(SealingRefused, match=f"batch {newest.number} cannot be continued"):
            sealing.seal(at=timezone.now())


class TestAfterARestoreIntoAServerThatCountsAnew:
    @pytest.fixture
    def restored(self) -> Iterator[int]:
        """Let the server's transaction ids look a billion lower than they are."""
        seal_everything()
        with roles.as_owner(connection), connection.cursor() as cursor:
            cursor.execute("SELECT audit_xact_offset()")
            (offset,) = cursor.fetchone()
            cursor.execute(
                "CREATE OR REPLACE FUNCTION audit_xact_offset() RETURNS bigint"
                f" LANGUAGE sql STABLE AS 'SELECT {offset - 10**9}::bigint'"
            )
        yield newest_number()
        sealing.seal_after_restore(at=timezone.now())

    def test_sealing_stops_and_says_what_to_do(self, restored):
        records.written(at=timezone.now())

        with pytest.raises(CommandError, match="run audit_seal --after-restore"):
            call_command("audit_seal")

    def test_the_records_that_no_batch_holds_are_sealed_and_sealing_goes_on(self, restored):
        lost = [records.written(at=timezone.now()) for _ in range(3)]

        call_command("audit_seal", after_restore=True, stdout=StringIO())
        later = [records.written(at=timezone.now()) for _ in range(3)]
        records.seal_all(later)

        assert sealed_ids(after=restored) == [*lost, *later]
        states = verification.verify_records([*lost, *later])
        assert set(states.values()) == {"sealed"}
        report = verification.verify(trusted=keys.public_keys(), low=lost[0], high=later[-1])
        assert report.findings == []
