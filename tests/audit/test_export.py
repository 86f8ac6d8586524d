"""Exports: the records with their proofs, whole or visibly not."""

import base64
import csv
import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from audit import canonical, keys
from audit.models import AuditRecord
from audit.proof import export_lines, merkle
from audit.proof.receipts import Receipt
from audit.reading import exporting
from audit.reading.exporting import Format
from audit.reading.filters import RecordFilter
from tests.audit import records
from tests.clients import problem_of, record_of


@pytest.fixture
def auditor(client_with):
    return client_with("cs-audit.read")


@pytest.fixture
def customer():
    """Return the id of a customer whom no other test's records are about."""
    return f"cust_{uuid4().hex}"


def written(customer, count=1, **changes):
    """Insert records a millisecond apart; return their ids, oldest first."""
    before = timezone.now() - timedelta(seconds=1)
    return [
        records.written(at=before + timedelta(milliseconds=number), customer_id=customer, **changes)
        for number in range(count)
    ]


def exported(customer, form=Format.NDJSON, **options):
    selection = RecordFilter(customer_id=customer)
    return b"".join(exporting.export(selection, form=form, at=timezone.now(), **options))


def lines_of(content):
    return [json.loads(line) for line in content.decode().splitlines()]


def table_of(content):
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def undefused(cell):
    return cell.removeprefix("'")


@pytest.mark.django_db
class TestLinesOfJson:
    def test_begin_with_what_they_are(self, auditor, customer):
        answer = auditor.read(f"/audit/export?customer_id={customer}&status=4xx")

        header = lines_of(answer.getvalue())[0]

        received = record_of(answer).received_at
        end = received.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert header == {
            "export": "cs-integrations audit v1",
            "columns": [*canonical.NAMES, "mac"],
            "filters": {"to": end, "customer_id": customer, "status": "4xx"},
            "exported_at": received.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }

    def test_end_with_their_number(self, customer):
        written(customer, 3)

        assert lines_of(exported(customer))[-1] == {"records": 3}

    def test_read_back_as_the_records_oldest_first(self, customer):
        ids = written(customer, 3, path="/caf%C3%A9", object_ids=["deal_1"], user_agent='é,"\n')

        shown = lines_of(exported(customer))[1:-1]

        assert [UUID(line["record"]["id"]) for line in shown] == ids
        for line, record in zip(
            shown, AuditRecord.objects.filter(pk__in=ids).order_by("pk"), strict=True
        ):
            leaf = canonical.unpacked(base64.b64decode(line["leaf"]))
            assert leaf == {name: plain(getattr(record, name)) for name in canonical.LEAF_NAMES}
            assert line["record"] == export_lines.columns(base64.b64decode(line["leaf"]))

    @pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
    def test_are_the_same_whatever_the_size_of_pages(self, customer, count):
        ids = written(customer, count)

        shown = lines_of(exported(customer, page_records=2))

        assert [UUID(line["record"]["id"]) for line in shown[1:-1]] == ids

    def test_do_not_chase_records_that_come_later(self, customer):
        ids = written(customer, 2)
        stream = exporting.export(
            RecordFilter(customer_id=customer), form=Format.NDJSON, at=timezone.now(),
            page_records=1,
        )  # fmt: skip
        begun = [next(stream), next(stream)]
        records.written(at=timezone.now() + timedelta(seconds=1), customer_id=customer)

        shown = lines_of(b"".join([*begun, *stream]))

        assert [UUID(line["record"]["id"]) for line in shown[1:-1]] == ids


@pytest.mark.django_db(transaction=True)
class TestProofsInside:
    def test_are_receipts_of_what_is_sealed_and_nothing_of_the_rest(self, customer):
        sealed = written(customer, 3)
        records.seal_all(sealed)
        written(customer, 1)

        shown = lines_of(exported(customer, page_records=2))[1:-1]

        receipts = [line["receipt"] for line in shown]
        assert receipts[3] is None
        for line in shown[:3]:
            receipt = Receipt.from_json(line["receipt"])
            leaf = base64.b64decode(line["leaf"])
            assert receipt.fault(leaf, keys.public_keys()) == ""
            assert receipt.leaf_hash == merkle.leaf_hash(leaf)

    def test_stand_in_the_table_too(self, customer):
        sealed = written(customer, 1)
        records.seal_all(sealed)
        written(customer, 1)

        proven, waiting = table_of(exported(customer, Format.CSV))

        receipt = Receipt.from_json(json.loads(proven["receipt"]))
        assert receipt.fault(base64.b64decode(proven["leaf"]), keys.public_keys()) == ""
        assert int(proven["batch"]) == receipt.signed.statement().batch
        assert (waiting["batch"], waiting["receipt"]) == ("", "")

    def test_verify_without_the_database(self, customer, tmp_path, django_db_blocker):
        records.seal_all(written(customer, 3))
        file = tmp_path / "export.ndjson"
        call_command("audit_export", output=str(file), filter_customer_id=customer)

        out = StringIO()
        with django_db_blocker.block():
            call_command("audit_verify", export=file, json=True, stdout=out)

        assert json.loads(out.getvalue())["records"] == 3

    def test_show_that_a_file_was_cut(self, customer, tmp_path):
        records.seal_all(written(customer, 3))
        whole = exported(customer).splitlines(keepends=True)
        for kept in (whole[:-1], whole[:-2], [*whole[:2], whole[-1]]):
            file = tmp_path / "export.ndjson"
            file.write_bytes(b"".join(kept))

            with pytest.raises(CommandError, match="does not verify"):
                call_command("audit_verify", export=file, stdout=StringIO())


@pytest.mark.django_db
class TestATable:
    def test_reads_back_as_the_records(self, customer):
        ids = written(customer, 3, object_ids=["deal_1", "cust_1"], user_agent='é,"\r\n')

        rows = table_of(exported(customer, Format.CSV))

        assert list(rows[0]) == [*canonical.LEAF_NAMES, "leaf", "batch", "receipt"]
        assert [UUID(row["id"]) for row in rows] == ids
        for row, record in zip(
            rows, AuditRecord.objects.filter(pk__in=ids).order_by("pk"), strict=True
        ):
            assert row["user_agent"] == record.user_agent
            assert json.loads(row["object_ids"]) == record.object_ids
            assert row["limit_remaining"] == ""
            assert row["mac"] == bytes(record.mac).hex()
            assert canonical.record_id(base64.b64decode(row["leaf"])) == record.pk

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "'"])
    def test_holds_nothing_that_a_spreadsheet_would_compute(self, customer, start):
        text = f"{start}HYPERLINK(A1)"
        written(customer, user_agent=text)

        (row,) = table_of(exported(customer, Format.CSV))

        assert row["user_agent"] == f"'{text}"
        assert undefused(row["user_agent"]) == text

    def test_has_its_header_when_it_is_empty(self, customer):
        assert exported(customer, Format.CSV).decode().startswith("record_format,id,received_at")


class TestOverTheApi:
    @pytest.mark.parametrize(
        ("query", "accept", "media_type"),
        [
            ("", "*/*", "application/x-ndjson"),
            ("&format=ndjson", "*/*", "application/x-ndjson"),
            ("&format=csv", "*/*", "text/csv"),
            ("&format=csv", "application/json", "text/csv"),
            ("", "text/csv", "text/csv"),
            ("", "application/x-ndjson", "application/x-ndjson"),
        ],
    )
    def test_the_caller_chooses_the_form(self, auditor, customer, query, accept, media_type):
        answer = auditor.read(f"/audit/export?customer_id={customer}{query}", Accept=accept)

        assert answer.status_code == 200
        assert answer["Content-Type"] == media_type
        assert answer["Content-Disposition"].startswith('attachment; filename="audit-')

    def test_another_form_is_refused(self, auditor):
        assert problem_of(auditor.read("/audit/export?format=xml")) == (
            400, "validation-error", [("format", "unknown_code")],
        )  # fmt: skip
        assert problem_of(auditor.read("/audit/export", Accept="text/html"))[0] == 406

    def test_a_wrong_filter_is_refused_before_the_first_byte(self, auditor):
        answer = auditor.read("/audit/export?status=9")

        assert problem_of(answer) == (400, "validation-error", [("status", "status")])

    def test_a_client_gets_its_own_records_only(self, client_with, auditor):
        alice, bob = client_with("cs-finance.read"), client_with("cs-finance.read")
        own = alice.read("/finance/forecast/cust_1")["X-Request-ID"]
        others = bob.read("/finance/forecast/cust_1")["X-Request-ID"]
        path = f"/audit/export?ids={own},{others}"

        def ids(client):
            shown = lines_of(client.read(path).getvalue())[1:-1]
            return [line["record"]["id"] for line in shown]

        assert ids(alice) == [own]
        assert ids(auditor) == [own, others]

    def test_it_is_recorded_as_streamed_before_its_first_byte(self, auditor, customer):
        answer = auditor.read("/audit/export?format=csv&customer_id=cust_123")

        record = record_of(answer)
        assert (record.operation, record.is_streamed) == ("audit_export", True)
        assert record.query == "format=csv&customer_id=cust_123"

    def test_a_head_request_gets_no_body(self, auditor):
        answer = auditor.head("/v1/cs-integrations/audit/export")

        assert (answer.status_code, answer.getvalue()) == (200, b"")


@pytest.mark.django_db(transaction=True)
class TestADatabaseThatFailsAmidAnExport:
    def test_ends_the_answer_without_an_end(self, auditor, customer):
        written(customer, exporting.PAGE_RECORDS + 1)
        answer = auditor.read(f"/audit/export?customer_id={customer}")
        stream = iter(answer)
        sent = [next(stream), next(stream)]

        connection.connection.pgconn.finish()
        with pytest.raises(DatabaseError):
            sent += list(stream)
        connection.close()  # the next query begins a new one

        assert b'{"records"' not in b"".join(sent)


class TestMemory:
    def test_stays_the_same_however_long_the_export_is(self, db, customer):
        def peak(count):
            written(customer, count)
            stream = exporting.export(
                RecordFilter(customer_id=customer), form=Format.NDJSON, at=timezone.now(),
                page_records=50,
            )  # fmt: skip
            tracemalloc.start()
            size = sum(len(chunk) for chunk in stream)
            top = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return size, top

        peak(100)  # loads what is loaded once
        short_size, short = peak(100)
        long_size, long = peak(1000)

        assert long_size > 4 * short_size
        assert long < 1.5 * short


@pytest.mark.django_db
class TestTheCommand:
    def test_writes_what_matches(self, customer, tmp_path):
        ids = written(customer, 2)
        file, told = tmp_path / "export.csv", StringIO()

        call_command(
            "audit_export", "--format", "csv", "--customer-id", customer, "--output", str(file),
            stderr=told,
        )  # fmt: skip

        assert [UUID(row["id"]) for row in table_of(file.read_bytes())] == ids
        assert told.getvalue() == "Exported 2 records.\n"

    def test_leaves_the_old_file_when_it_fails(self, customer, tmp_path):
        file = tmp_path / "export.ndjson"
        file.write_text("yesterday's")

        def failing():
            yield b"half"
            raise DatabaseError("gone")

        with pytest.raises(DatabaseError):
            exporting.written_whole(file, failing())

        assert [found.name for found in tmp_path.iterdir()] == ["export.ndjson"]
        assert file.read_text() == "yesterday's"

    def test_writes_to_standard_output(self, customer, capfdbinary):
        written(customer, 1)

        call_command("audit_export", "--customer-id", customer, "--output", "-", stderr=StringIO())

        assert lines_of(capfdbinary.readouterr().out)[-1] == {"records": 1}

    def test_names_the_filter_that_it_does_not_understand(self, tmp_path):
        with pytest.raises(CommandError, match="status must be"):
            call_command("audit_export", "--status", "9", "--output", str(tmp_path / "x"))

    def test_says_where_it_cannot_write(self, tmp_path):
        with pytest.raises(CommandError, match="No such file"):
            call_command("audit_export", "--output", str(tmp_path / "none" / "x"))


def test_the_number_of_records_is_estimated_before_an_export(db):
    nothing = RecordFilter(
        start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC)
    )

    assert exporting.estimated_count(nothing, at=timezone.now()) <= 1
    assert exporting.estimated_count(RecordFilter(), at=timezone.now()) > 0


def plain(value):
    return bytes(value) if isinstance(value, memoryview) else value
