"""Whole months are dropped when their time is over, behind a signed tombstone, and not before."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from audit import data_keys, keys, months
from audit.keeping import holds, retention
from audit.models import AuditBatch, AuditBody, AuditRecord, DataKey, Tombstone
from audit.proof import merkle, verification
from audit.proof.tombstones import Statement
from cs_integrations.database import partitions, roles
from tests.audit import records
from tests.servers import database_url

MONTH = date(2001, 3, 1)
DAY = datetime(2001, 3, 14, 9, 26, 53, tzinfo=UTC)
BODIES_DUE = datetime(2001, 6, 30, tzinfo=UTC)  # 90 days after the first moment of April
RECORDS_DUE = datetime(2008, 4, 1, tzinfo=UTC)
CLIENT = "retention"
MOMENT = timedelta(microseconds=1)
DROPPED = ("dropped", False)
WOULD = ("would have dropped", False)


@pytest.fixture
def sealed(transactional_db, monkeypatch) -> Iterator[list[UUID]]:
    """Three sealed records of a long past month, two of them with bodies, oldest first.

    The records stay: the trail is not emptied. What a test does with them is undone.
    """
    monkeypatch.setattr(months, "MONTHS_AHEAD", 1)
    with roles.as_owner(connection):
        records.make_month(MONTH)
        ids = [
            records.written_with_exact_request(at=DAY, client_id=CLIENT),
            records.written(at=DAY + timedelta(days=1)),
            records.written_with_exact_request(at=DAY + timedelta(days=2), client_id=CLIENT),
        ]
        records.seal_all(ids)
        with transaction.atomic():
            yield ids
            transaction.set_rollback(True)


def run(at: datetime, *, is_dry_run: bool = False) -> dict[str, tuple[str, bool]]:
    """Run retention; return verb and verdict of each partition of the month that it speaks of."""
    found = {}
    for step in retention.run(at=at, is_dry_run=is_dry_run):
        verb, _, rest = step.text.partition("audit_")
        name = "audit_" + rest.split(" ")[0].rstrip(":")
        if name.endswith("2001_03"):
            found[name] = (verb.strip(), step.is_refused)
    return found


def reason(at: datetime, table: str) -> str:
    """Run retention, which keeps the table's month; return why."""
    name = partitions.partition_name(table, MONTH)
    [step] = [step for step in retention.run(at=at) if step.text.startswith(f"kept {name}: ")]
    assert step.is_refused
    assert MONTH in months.present(table)
    assert not Tombstone.objects.filter(month=MONTH, table_name=table).exists()
    return step.text


def execute(statement: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def damage(table: str, statement: str, *parameters: object) -> None:
    """Do what only the owner can do, and only with the guards off."""
    execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    execute(statement, *parameters)


class TestAMonthIsDropped:
    def test_ninety_days_after_it_ended_as_far_as_bodies_go(self, sealed):
        assert run(BODIES_DUE - MOMENT) == {}
        assert AuditBody.objects.filter(pk__in=sealed).count() == 2

        assert run(BODIES_DUE) == {"audit_body_2001_03": DROPPED}
        assert AuditBody.objects.filter(pk__in=sealed).count() == 0
        assert AuditRecord.objects.filter(pk__in=sealed).count() == 3

    def test_seven_years_after_it_ended(self, sealed):
        run(BODIES_DUE)

        assert run(RECORDS_DUE - MOMENT) == {}
        assert run(RECORDS_DUE) == {"audit_record_2001_03": DROPPED}
        assert AuditRecord.objects.filter(pk__in=sealed).count() == 0

    def test_at_once_if_nobody_did_so_for_years(self, sealed):
        assert run(RECORDS_DUE) == {"audit_body_2001_03": DROPPED, "audit_record_2001_03": DROPPED}

    def test_once(self, sealed):
        run(RECORDS_DUE)

        assert run(RECORDS_DUE) == {}

    def test_also_when_it_is_empty(self, sealed):
        records.make_month(date(2001, 1, 1))

        list(retention.run(at=RECORDS_DUE))

        stone = Tombstone.objects.get(month=date(2001, 1, 1), table_name="audit_record")
        assert (stone.records, bytes(stone.digest)) == (0, hashlib.sha256(b"").digest())

    def test_and_all_of_it_can_be_told_before(self, sealed):
        told = run(RECORDS_DUE, is_dry_run=True)

        assert told == {"audit_body_2001_03": WOULD, "audit_record_2001_03": WOULD}
        assert AuditBody.objects.filter(pk__in=sealed).count() == 2
        assert not Tombstone.objects.filter(month=MONTH).exists()
        assert DataKey.objects.filter(client_id=CLIENT, wrapped__isnull=False).exists()
        assert AuditRecord.objects.filter(pk__in=sealed).count() == 3


class TestWhatStaysOfADroppedMonth:
    def test_is_a_tombstone_that_states_its_records(self, sealed):
        digest, count = hashlib.sha256(), 0
        for record_id, (leaf, _xact) in sorted(records.leaves("audit_record_2001_03").items()):
            digest.update(record_id.bytes + merkle.leaf_hash(leaf))
            count += 1

        run(RECORDS_DUE)

        stone = Tombstone.objects.get(month=MONTH, table_name="audit_record")
        lines = dict(line.split(" ", 1) for line in stone.text.splitlines()[1:])
        assert stone.text.startswith("cs-integrations audit tombstone v1\n")
        assert (lines["table"], lines["month"]) == ("audit_record", "2001-03")
        assert lines["records"] == str(stone.records) == str(count)
        assert lines["digest"] == bytes(stone.digest).hex() == digest.hexdigest()
        assert lines["dropped"] == "2008-04-01T00:00:00.000000Z"

    def test_names_the_roots_of_its_batches(self, sealed):
        low, end = partitions.bounds(MONTH)
        roots, count = hashlib.sha256(), 0
        for batch in AuditBatch.objects.order_by("number"):
            leaves = bytes(batch.leaves)
            ids = {UUID(bytes=leaves[at : at + 16]) for at in range(0, len(leaves), 48)}
            if any(low <= record_id < end for record_id in ids):
                roots.update(batch.number.to_bytes(8, "big") + bytes(batch.root))
                count += 1

        run(RECORDS_DUE)

        stone = Tombstone.objects.get(month=MONTH, table_name="audit_record")
        statement = Statement.parsed(stone.text)
        assert count > 0
        assert (statement.proof.batches, statement.proof.roots) == (count, roots.digest())

    def test_is_signed(self, sealed):
        run(RECORDS_DUE)

        for stone in Tombstone.objects.filter(month=MONTH):
            public = keys.public_keys()[stone.key_id]
            public.verify(bytes(stone.signature), stone.text.encode())
            assert Statement.parsed(stone.text).text == stone.text
            assert f"key {stone.key_id}\n" in stone.text

    def test_of_bodies_states_their_hashes(self, sealed):
        digest = hashlib.sha256()
        low, end = partitions.bounds(MONTH)
        kept = AuditRecord.objects.filter(pk__gte=low, pk__lt=end).exclude(body_sha256=b"")
        for record_id, body_sha256 in kept.order_by("pk").values_list("pk", "body_sha256"):
            digest.update(record_id.bytes + bytes(body_sha256))

        run(BODIES_DUE)

        stone = Tombstone.objects.get(month=MONTH, table_name="audit_body")
        assert (stone.records, bytes(stone.digest)) == (kept.count(), digest.digest())

    def test_is_no_key_that_opens_a_copy_of_its_bodies(self, sealed):
        body = AuditBody.objects.get(pk=sealed[0])

        run(BODIES_DUE)
        data_keys.forget()

        with pytest.raises(data_keys.KeyDestroyed):
            data_keys.by_id(body.data_key)
        destroyed = DataKey.objects.get(pk=body.data_key)
        assert (destroyed.wrapped, destroyed.destroyed_at) == (None, BODIES_DUE)

    def test_leaves_the_keys_of_other_months_alone(self, sealed):
        other = data_keys.current(client_id=CLIENT, at=DAY + timedelta(days=31))

        run(BODIES_DUE)
        data_keys.forget()

        assert data_keys.by_id(other.id).secret == other.secret

    def test_is_each_batch_so_that_the_chain_verifies_for_ever(self, sealed):
        low, end = partitions.bounds(MONTH)
        before = list(AuditBatch.objects.order_by("number").values_list("number", "leaves"))

        def verified():
            high = UUID(int=end.int - 1)
            return verification.verify(trusted=keys.public_keys(), low=low, high=high)

        whole = verified()
        run(BODIES_DUE)
        without_bodies = verified()
        run(RECORDS_DUE)
        without_records = verified()

        assert whole.findings == without_bodies.findings == without_records.findings == []
        assert whole.records == without_bodies.records == without_records.dropped >= 3
        assert before == list(AuditBatch.objects.order_by("number").values_list("number", "leaves"))


class TestAMonthIsKept:
    @pytest.mark.parametrize("month", [MONTH, None])
    def test_under_a_legal_hold_and_no_longer(self, sealed, month):
        number = holds.place(month=month, reason="case 7", operator="ann", at=DAY)

        assert f"under legal hold {number} (case 7)" in reason(RECORDS_DUE, "audit_body")
        assert "bodies are still kept" in reason(RECORDS_DUE, "audit_record")

        holds.release(number=number, operator="bob", at=DAY)
        assert run(BODIES_DUE) == {"audit_body_2001_03": DROPPED}

    def test_under_a_legal_hold_that_came_after_its_bodies_were_dropped(self, sealed):
        run(BODIES_DUE)
        holds.place(month=MONTH, reason="case 7", operator="ann", at=DAY)

        assert "under legal hold" in reason(RECORDS_DUE, "audit_record")

    def test_not_under_the_hold_of_another_month(self, sealed):
        holds.place(month=date(2001, 4, 1), reason="case 7", operator="ann", at=DAY)

        assert run(BODIES_DUE) == {"audit_body_2001_03": DROPPED}

    def test_when_a_record_is_not_sealed(self, sealed):
        unsealed = records.written(at=DAY)

        assert f"1 not sealed (first {unsealed})" in reason(BODIES_DUE, "audit_body")
        assert "bodies are still kept" in reason(RECORDS_DUE, "audit_record")

    @pytest.mark.parametrize(
        ("table", "statement", "found"),
        [
            ("audit_record", "UPDATE audit_record SET path = '/x' WHERE id = %s", "altered"),
            ("audit_record", "UPDATE audit_record SET mac = sha256(mac) WHERE id = %s", "altered"),
            ("audit_record", "DELETE FROM audit_record WHERE id = %s", "removed"),
            (
                "audit_body",
                "UPDATE audit_body SET response = '' WHERE id = %s",
                "with an altered body",
            ),
            (
                "audit_body",
                "UPDATE audit_body SET omitted = 'x' WHERE id = %s",
                "with an altered body",
            ),
            ("audit_body", "DELETE FROM audit_body WHERE id = %s", "without its body"),
        ],
    )
    def test_when_a_proof_is_broken_and_the_record_is_named(self, sealed, table, statement, found):
        damage(table, statement, sealed[2])

        assert f"1 {found} (first {sealed[2]})" in reason(BODIES_DUE, "audit_body")

    def test_when_records_were_changed_after_their_bodies_were_dropped(self, sealed):
        run(BODIES_DUE)
        damage("audit_record", "UPDATE audit_record SET status = 500 WHERE id = %s", sealed[1])

        assert f"1 altered (first {sealed[1]})" in reason(RECORDS_DUE, "audit_record")

    def test_when_a_body_belongs_to_no_record(self, sealed):
        execute(
            "INSERT INTO audit_body (id, request, response, sealed_request, omitted)"
            " VALUES (%s, '', '', '', '')",
            records.values(at=DAY)["id"],
        )

        assert "1 bodies belong to no record" in reason(BODIES_DUE, "audit_body")

    @pytest.mark.parametrize(
        "change",
        [
            "leaves = overlay(leaves PLACING '\\x00'::bytea FROM 20 FOR 1)",
            "leaves = substr(leaves, 49)",
            "root = sha256(root)",
            "signature = sha512(signature)",
            "checkpoint = replace(checkpoint, 'batch ', 'batch 1')",
        ],
    )
    def test_when_a_batch_is_broken(self, sealed, change):
        newest = AuditBatch.objects.filter(first_id__lte=sealed[0]).order_by("-number").first()
        damage("audit_batch", f"UPDATE audit_batch SET {change} WHERE number = %s", newest.number)

        assert f"batch {newest.number} is broken" in reason(BODIES_DUE, "audit_body")

    def test_when_nobody_trusts_the_key_that_sealed_it(self, sealed, settings):
        settings.AUDIT_SIGNING_KEY = bytes(range(32))

        assert "which is not trusted" in reason(BODIES_DUE, "audit_body")

    def test_while_an_export_reads_it(self, sealed, monkeypatch):
        monkeypatch.setattr("audit.owner.LOCK_TIMEOUT_MS", 100)
        with psycopg.connect(database_url()) as export:
            export.execute("SELECT FROM audit_body LIMIT 1")

            assert "try again" in reason(BODIES_DUE, "audit_body")

        assert run(BODIES_DUE) == {"audit_body_2001_03": DROPPED}


class TestTheOtherSteps:
    def test_make_the_missing_months_and_empty_the_default_partition(self, owner):
        at = datetime(1994, 7, 9, tzinfo=UTC)
        records.written(at=at)

        texts = [step.text for step in retention.run(at=datetime(1994, 1, 1, tzinfo=UTC))]

        assert "made audit_record_1996_12" in texts
        assert "moved 1994-07 out of audit_record_default (rows: 1)" in texts
        assert texts.index("made audit_body_1994_02") < texts.index(
            "moved 1994-07 out of audit_record_default (rows: 1)"
        )
        assert date(1994, 7, 1) in months.present("audit_record")

    def test_are_told_and_not_done_in_a_dry_run(self, owner):
        at = datetime(1994, 7, 9, tzinfo=UTC)
        records.written(at=at)

        texts = [step.text for step in retention.run(at=at, is_dry_run=True)]

        assert "would have made audit_record_1997_06" in texts
        assert "would have moved 1994-07 out of audit_record_default" in texts
        assert date(1994, 7, 1) not in months.present("audit_record")

    def test_leave_what_came_after_its_month_was_dropped_and_say_so(self, sealed):
        run(RECORDS_DUE)
        late = records.written(at=DAY)

        kept = [step.text for step in retention.run(at=RECORDS_DUE) if step.is_refused]

        assert "kept audit_record_default: rows of 2001-03 came after it was dropped" in kept
        assert AuditRecord.objects.filter(pk=late).exists()


class TestTwoAtOnce:
    def test_one_is_refused(self, sealed):
        with psycopg.connect(database_url()) as other:
            other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [retention.LOCK_NAME])
            with pytest.raises(retention.AlreadyRunning):
                next(retention.run(at=BODIES_DUE))

        assert run(BODIES_DUE) == {"audit_body_2001_03": DROPPED}


class TestTheCommand:
    def test_says_what_is_due_today_and_what_holds_it_up(self, transactional_db, capsys):
        with roles.as_owner(connection):
            number = holds.place(month=None, reason="case 9", operator="ann", at=DAY)
            records.make_month(MONTH)
        try:
            with pytest.raises(CommandError, match="could not be taken"):
                call_command("audit_retention", dry_run=True)
        finally:
            with roles.as_owner(connection):
                holds.release(number=number, operator="ann", at=DAY)

        told = capsys.readouterr().out
        assert f"kept audit_body_2001_03: 2001-03 is under legal hold {number} (case 9)" in told

    def test_works_under_the_owners_role_only(self, transactional_db, settings):
        settings.DATABASE_OWNER_LOGIN = stranger()

        with pytest.raises(CommandError, match="stranger does not own the trail"):
            call_command("audit_retention", dry_run=True)

    def test_says_so_when_the_owner_cannot_log_in(self, transactional_db, settings):
        settings.DATABASE_OWNER_LOGIN = {"USER": "nobody_at_all", "PASSWORD": ""}

        with pytest.raises(CommandError, match="nobody_at_all of DATABASE_OWNER_URL cannot log in"):
            call_command("audit_retention", dry_run=True)

    def test_needs_the_signing_key(self, transactional_db, settings):
        settings.AUDIT_SIGNING_KEY = b""

        with pytest.raises(CommandError, match="AUDIT_SIGNING_KEY is not set"):
            call_command("audit_retention", dry_run=True)


def stranger() -> dict[str, str]:
    """Return a login that may use the database and owns nothing in it."""
    with roles.as_owner(connection), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'stranger'")
        if cursor.fetchone() is None:
            cursor.execute("CREATE ROLE stranger LOGIN")
    return {"USER": "stranger", "PASSWORD": ""}
