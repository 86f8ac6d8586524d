"""Months are made ahead; a record of a month that nobody made is not lost, and moved later."""

import threading
import time
from datetime import UTC, date, datetime
from uuid import UUID

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction

from audit import months
from audit.models import AuditBody, AuditRecord
from audit.owner import TrailBusy
from cs_integrations.database import partitions, roles
from cs_integrations.database.identifiers import first_request_id
from tests.audit import records
from tests.servers import database_url

UNMADE = date(1995, 5, 1)
AT = datetime(1995, 5, 17, 12, tzinfo=UTC)
FAR_ID = UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")


def partition_of(record_id: UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM audit_record WHERE id=%s", [record_id])
        return cursor.fetchone()[0]


@pytest.mark.django_db
class TestMonthsAhead:
    @pytest.mark.parametrize("table", months.TABLES)
    def test_are_there_after_migrate(self, table):
        expected = list(partitions.months(datetime.now(UTC).date(), 36))

        assert set(expected) <= set(months.present(table))

    def test_are_made_once_each(self, owner):
        today = date(1994, 11, 30)

        made = months.make_missing(connection, today=today)

        assert len(made) == 2 * 36
        assert made[0] == "audit_record_1994_11"
        assert months.make_missing(connection, today=today) == []
        assert date(1994, 11, 1) in months.present("audit_body")

    def test_pass_over_a_month_whose_records_nobody_moved_yet(self, owner):
        records.written(at=AT)

        made = months.make_missing(connection, today=UNMADE)

        assert "audit_record_1995_05" not in made
        assert {"audit_body_1995_05", "audit_record_1995_06"} <= set(made)

    def test_can_be_told_without_being_made(self, owner):
        told = months.make_missing(connection, today=UNMADE, is_dry_run=True)

        assert len(told) == 2 * 36
        assert UNMADE not in months.present("audit_record")

    def test_are_no_matter_where_the_trail_is_not_migrated(self, owner):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_record RENAME TO elsewhere")
            cursor.execute("ALTER TABLE audit_body RENAME TO elsewhere_too")

        assert months.make_missing(connection, today=UNMADE) == []


@pytest.mark.django_db
class TestAMissingMonth:
    def test_loses_no_record(self, owner):
        record_id = records.written_with_exact_request(at=AT, client_id="ledger")

        assert AuditRecord.objects.get(pk=record_id).received_at == AT
        assert AuditBody.objects.filter(pk=record_id).exists()
        assert partition_of(record_id) == "audit_record_default"
        assert months.waiting("audit_record") == months.waiting("audit_body") == [UNMADE]

    def test_is_made_afterwards_and_its_records_keep_each_byte_and_their_order(self, owner):
        late = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
        ids = {records.written(at=at, path=f"/{at:%d}") for at in (AT, AT.replace(day=1), late)}
        before = records.leaves("audit_record_default")
        assert set(before) == ids

        moved = months.empty_default("audit_record", months=months.waiting("audit_record"))

        assert moved == 3
        assert records.leaves("audit_record_default") == {}
        after = records.leaves("audit_record_1995_05") | records.leaves("audit_record_1999_12")
        assert after == before
        assert months.waiting("audit_record") == []

    def test_is_made_for_bodies_too(self, owner):
        record_id = records.written_with_exact_request(at=AT, client_id="ledger")
        before = AuditBody.objects.filter(pk=record_id).values().get()

        months.empty_default("audit_body", months=[UNMADE])

        assert AuditBody.objects.filter(pk=record_id).values().get() == before
        assert UNMADE in months.present("audit_body")

    def test_is_guarded_once_it_is_made_and_so_is_the_new_default(self, owner):
        record_id = records.written(at=AT)
        months.empty_default("audit_record", months=[UNMADE])

        for refused in (
            "DELETE FROM audit_record_1995_05",
            "TRUNCATE audit_record_1995_05",
            "UPDATE audit_record_1995_05 SET status = 1",
            "TRUNCATE audit_record_default",
            "SET LOCAL ROLE cs_application; SELECT FROM audit_record_1995_05",
            "SET LOCAL ROLE cs_application; SELECT FROM audit_record_default",
        ):
            with pytest.raises(ProgrammingError, match=r"refused|denied"), transaction.atomic():
                connection.cursor().execute(refused)
        assert AuditRecord.objects.filter(pk=record_id).exists()
        assert partition_of(records.written(at=datetime(1993, 1, 1, tzinfo=UTC))) == (
            "audit_record_default"
        )

    def test_takes_its_records_after_one_with_an_id_that_no_month_takes(self, owner):
        record_id = records.written(at=AT)
        records.written(at=AT, id=FAR_ID)

        moved = months.empty_default("audit_record", months=months.waiting("audit_record"))

        assert moved == 1
        assert partition_of(record_id) == "audit_record_1995_05"
        assert partition_of(FAR_ID) == "audit_record_default"
        assert months.waiting("audit_record") == []


class TestMovingRecords:
    def test_does_not_make_others_wait_for_long(self, owner, monkeypatch):
        monkeypatch.setattr("audit.owner.LOCK_TIMEOUT_MS", 100)
        record_id = records.written(at=AT)

        with psycopg.connect(database_url()) as export:
            export.execute("SELECT FROM audit_record LIMIT 1")
            with pytest.raises(TrailBusy, match="try again"):
                months.empty_default("audit_record", months=[UNMADE])

        assert partition_of(record_id) == "audit_record_default"
        assert UNMADE not in months.present("audit_record")

    def test_hides_none_from_a_seal_that_waits_for_it(self, transactional_db):
        unmade = next(
            month
            for month in partitions.months(date(1975, 1, 1), 200)
            if month not in months.present("audit_record")
        )
        moved = records.written(at=partitions.start_of(unmade))
        later = records.written(at=datetime.now(UTC))
        has_moved = threading.Event()

        def move() -> None:
            try:
                with roles.as_owner(connection), transaction.atomic():
                    months.empty_default("audit_record", months=[unmade])
                    has_moved.set()
                    time.sleep(0.5)  # the seal begins, and waits for the table
            finally:
                has_moved.set()
                connection.close()

        mover = threading.Thread(target=move)
        mover.start()
        assert has_moved.wait(20)
        records.seal_all([moved, later])
        mover.join()

        assert partition_of(moved) == partitions.partition_name("audit_record", unmade)

    def test_months_ahead_are_made_while_others_read_and_write(self, owner):
        with psycopg.connect(database_url()) as busy:
            busy.execute("LOCK TABLE ONLY audit_record IN ROW EXCLUSIVE MODE")
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = 100")

            made = months.make_missing(connection, today=UNMADE)

        assert len(made) == 2 * 36


class TestTheMonthOfAnId:
    @pytest.mark.parametrize(
        "record_id",
        [
            first_request_id(datetime(1995, 5, 1, tzinfo=UTC)),
            UUID(int=first_request_id(datetime(1995, 5, 1, tzinfo=UTC)).int - 1),
            UUID(int=first_request_id(datetime(1995, 6, 1, tzinfo=UTC)).int - 1),
            UUID(int=first_request_id(datetime(2000, 1, 1, tzinfo=UTC)).int & ~(0xF << 76)),
        ],
    )
    def test_is_that_of_the_partition_which_takes_it(self, owner, record_id):
        month = partitions.month_of(record_id)
        records.make_month(month)
        records.written(at=AT, id=record_id)

        assert partition_of(record_id) == partitions.partition_name("audit_record", month)

    def test_is_none_for_an_id_beyond_all_months(self):
        assert partitions.month_of(FAR_ID) is None
