"""A receipt proves one record to somebody who has nothing but a public key."""

import base64
import json
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from audit import canonical, keys
from audit.proof import export_lines, matching, merkle, receipts
from audit.proof.checkpoints import (
    NOTHING_BEFORE,
    Checkpoint,
    MalformedCheckpoint,
    SignedCheckpoint,
)
from audit.proof.checkpoints import signed as signed_by
from audit.proof.findings import Kind
from audit.proof.receipts import MalformedReceipt, NoReceipt, Receipt, Receipts
from tests.audit import records, tampering

SCRIPT = Path(settings.BASE_DIR) / "examples" / "verify_receipt.py"


@pytest.fixture(scope="module")
def _made() -> list[UUID]:
    return []


@pytest.fixture
def sealed(trail, _made) -> list[UUID]:
    """Seven sealed records a millisecond apart, as ids order no closer; made once."""
    if not _made:
        now = timezone.now()
        times = [now + timedelta(milliseconds=number) for number in range(7)]
        _made += [records.written(at=at, client_name="Ledger") for at in times]
        records.seal_all(_made)
    return _made


def public_key() -> str:
    (key,) = keys.public_keys().values()
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode()


def receipt_of(record_id: UUID) -> Receipt:
    return receipts.receipt_of(record_id, trusted=keys.public_keys())


def leaf_of(record_id: UUID) -> bytes:
    (row,) = matching.rows_of([record_id])
    return row.leaf


def largest() -> Receipt:
    """A receipt from a batch of 8,192 records, a million sealed before."""
    hashes = [merkle.leaf_hash(number.to_bytes(4)) for number in range(8192)]
    key = Ed25519PrivateKey.generate()
    checkpoint = Checkpoint(
        batch=10**9,
        records=8192,
        total=10**12,
        root=merkle.root(hashes),
        previous=NOTHING_BEFORE,
        first_id=uuid4(),
        last_id=uuid4(),
        end_xact=10**15,
        end_id=uuid4(),
        sealed_at=timezone.now(),
        key_id=keys.key_id_of(key.public_key()),
    )
    return Receipt(
        record_id=uuid4(),
        leaf_hash=hashes[8000],
        index=8000,
        path=tuple(merkle.path(merkle.levels(hashes), 8000)),
        signed=signed_by(checkpoint, key),
    )


class TestAReceipt:
    def test_proves_its_record(self, sealed):
        for record_id in sealed:
            receipt = receipt_of(record_id)

            assert receipt.record_id == record_id
            assert receipt.fault(leaf_of(record_id), keys.public_keys()) == ""

    def test_proves_no_other_record(self, sealed):
        receipt = receipt_of(sealed[0])

        assert "not the one" in receipt.fault(leaf_of(sealed[1]), keys.public_keys())

    def test_proves_nothing_under_another_key(self, sealed):
        stranger = Ed25519PrivateKey.generate().public_key()
        trusted = {keys.key_id_of(stranger): stranger}

        assert "not signed" in receipt_of(sealed[0]).fault(None, trusted)

    def test_comes_back_from_json(self, sealed):
        receipt = receipt_of(sealed[0])

        assert Receipt.from_json(json.loads(json.dumps(receipt.as_json()))) == receipt

    @pytest.mark.parametrize(
        "change",
        [
            {"format": "another"},
            {"record_id": "x"},
            {"leaf_hash": "x"},
            {"path": None},
            {"index": None},
            {"signature": 5},
        ],
    )
    def test_of_another_form_is_refused(self, change):
        with pytest.raises(MalformedReceipt):
            Receipt.from_json(largest().as_json() | change)

    def test_is_under_a_kilobyte_and_a_half_for_the_largest_batch(self):
        assert len(json.dumps(largest().as_json(), indent=1)) < 1500

    def test_is_refused_for_a_record_that_is_not_sealed(self, db):
        with pytest.raises(NoReceipt, match="not sealed yet"):
            receipt_of(records.written(at=timezone.now()))

    def test_is_refused_for_a_record_that_does_not_exist(self, db):
        with pytest.raises(NoReceipt, match="there is no record"):
            receipt_of(uuid4())

    def test_is_refused_for_a_record_that_was_altered(self, sealed, undone):
        tampering.execute("UPDATE audit_record SET status = 500 WHERE id = %s", [sealed[2]])

        with pytest.raises(NoReceipt, match="cannot be proven"):
            receipt_of(sealed[2])

    def test_is_found_also_when_the_record_s_place_was_changed(self, sealed, undone):
        tampering.execute("UPDATE audit_record SET xact = 3 WHERE id = %s", [sealed[2]])

        assert receipt_of(sealed[2]).record_id == sealed[2]


class TestManyReceipts:
    def test_come_in_the_order_asked_with_none_where_there_is_no_proof(self, sealed, undone):
        waiting = records.written(at=timezone.now())
        ids = [*sealed, waiting]
        rows = {row.id: row for row in matching.rows_of(ids)}

        made = Receipts().of([(rows[record_id].xact, record_id) for record_id in ids])

        assert [receipt and receipt.record_id for receipt in made] == [*sealed, None]


class TestTheStandAloneScript:
    def run(self, folder, receipt, *, line=None, key=None):
        (folder / "receipt.json").write_text(json.dumps(receipt))
        arguments = [folder / "receipt.json", f"--public-key={key or public_key()}"]
        if line is not None:
            (folder / "line.json").write_text(json.dumps(line))
            arguments += ["--record", folder / "line.json"]
        return subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-I", SCRIPT, *arguments], capture_output=True, text=True, check=False
        )

    def test_accepts_what_audit_receipt_prints(self, sealed, tmp_path):
        out = StringIO()
        call_command("audit_receipt", str(sealed[3]), stdout=out)

        answer = self.run(tmp_path, json.loads(out.getvalue()))

        assert answer.returncode == 0, answer.stderr
        assert "NO" not in answer.stdout
        assert len(out.getvalue()) < 1500

    def test_accepts_the_line_of_an_export(self, sealed, tmp_path):
        receipt = receipt_of(sealed[3])
        line = export_lines.line(leaf_of(sealed[3]), receipt)

        assert self.run(tmp_path, receipt.as_json(), line=line).returncode == 0

    def test_refuses_a_line_that_was_altered(self, sealed, tmp_path):
        receipt = receipt_of(sealed[3])
        line = export_lines.line(leaf_of(sealed[3]).replace(b"Ledger", b"Badger"), receipt)

        answer = self.run(tmp_path, receipt.as_json(), line=line)

        assert answer.returncode == 1
        assert "NO  the leaf of the line is the one that was sealed" in answer.stdout

    @pytest.mark.parametrize("member", ["leaf_hash", "signature", "checkpoint", "index"])
    def test_refuses_a_receipt_that_was_altered(self, sealed, tmp_path, member):
        receipt = receipt_of(sealed[3]).as_json()
        other = largest().as_json()

        assert self.run(tmp_path, receipt | {member: other[member]}).returncode == 1

    def test_refuses_another_key(self, sealed, tmp_path):
        raw = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        key = base64.urlsafe_b64encode(raw).decode()

        assert self.run(tmp_path, receipt_of(sealed[3]).as_json(), key=key).returncode == 1

    def test_says_when_it_cannot_read_something(self, tmp_path):
        assert self.run(tmp_path, {}).returncode == 2


class TestAnExport:
    @pytest.fixture
    def lines(self, sealed):
        proven = [export_lines.line(leaf_of(found), receipt_of(found)) for found in sealed]
        header = export_lines.header({}, at=timezone.now())
        return [json.dumps(line) for line in (header, *proven)]

    def verified(self, lines, tmp_path):
        whole = [*lines, json.dumps(export_lines.footer(len(lines) - 1))]
        (tmp_path / "export.ndjson").write_text("\n".join(whole) + "\n")
        out = StringIO()
        try:
            call_command(
                "audit_verify", export=tmp_path / "export.ndjson", json=True, stdout=out
            )  # fmt: skip
        except CommandError as error:
            return error.returncode, json.loads(out.getvalue())
        return 0, json.loads(out.getvalue())

    def test_verifies_without_the_database(self, lines, tmp_path, django_db_blocker):
        with django_db_blocker.block():
            code, report = self.verified(lines, tmp_path)

        assert code == 0
        assert report["records"] == len(lines) - 1

    def test_that_was_altered_is_told_by_id(self, lines, tmp_path, sealed):
        values = json.loads(lines[3])
        values["record"]["status"] = 404
        lines[3] = json.dumps(values)
        leaf = leaf_of(sealed[5]).replace(b"Ledger", b"Badger")
        lines[6] = json.dumps(export_lines.line(leaf, receipt_of(sealed[5])))

        code, report = self.verified(lines, tmp_path)

        assert code == 1
        assert [found["record_id"] for found in report["findings"]] == [
            str(sealed[2]),
            str(sealed[5]),
        ]
        assert report["counts"] == {Kind.RECEIPT: 2}

    @pytest.mark.parametrize("text", ["{}", "[]", "x", '{"leaf": "", "record": 1}'])
    def test_with_a_malformed_line_is_refused(self, lines, tmp_path, text):
        lines[4] = text

        code, report = self.verified(lines, tmp_path)

        assert code == 1
        assert report["findings"][0]["detail"] == "line 5: the line is malformed"

    def test_without_our_header_is_refused(self, lines, tmp_path):
        lines[0] = "{}"

        assert self.verified(lines, tmp_path)[0] == 1

    def test_whose_lines_are_repeated_or_moved_is_told_by_id(self, lines, tmp_path, sealed):
        lines[2], lines[3] = lines[3], lines[2]

        code, report = self.verified(lines, tmp_path)

        assert code == 1
        assert [found["record_id"] for found in report["findings"]] == [str(sealed[1])]

    def test_says_what_is_not_proven(self, lines, tmp_path, sealed):
        lines[1] = json.dumps(export_lines.line(leaf_of(sealed[0]), None))

        code, report = self.verified(lines, tmp_path)

        assert (code, report["unsealed"]) == (1, 1)
        assert "nothing proves them" in report["notes"][0]

    def test_shows_times_in_utc_and_bytes_in_hex(self, sealed):
        shown = export_lines.columns(leaf_of(sealed[0]))

        assert list(shown) == list(canonical.LEAF_NAMES)
        assert shown["received_at"].endswith("Z")
        assert bytes.fromhex(shown["mac"]) == leaf_of(sealed[0])[-32:]


class TestACheckpoint:
    def test_comes_back_from_its_text_and_its_note(self):
        signed = largest().signed

        assert signed.statement().text == signed.text
        assert SignedCheckpoint.from_note(signed.note) == signed

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("v1", "v2"),
            ("batch 1", "batch 01"),
            ("records 8", "records -8"),
            ("sealed 2", "sealed 9999-99-99T99:99:99.999999Z\nsealed 2"),
            ("root ", "root 00"),
            ("key ", "key  "),
        ],
    )
    def test_in_another_form_is_refused(self, old, new):
        with pytest.raises(MalformedCheckpoint):
            Checkpoint.parsed(largest().signed.text.replace(old, new))

    def test_of_a_day_that_does_not_exist_is_refused(self):
        text = largest().signed.text
        day = text.partition("sealed ")[2][:10]

        with pytest.raises(MalformedCheckpoint, match="does not exist"):
            Checkpoint.parsed(text.replace(day, "2026-02-31"))

    def test_covers_each_of_its_lines_with_the_signature(self):
        random, key = Random(8), Ed25519PrivateKey.generate()
        trusted = {keys.key_id_of(key.public_key()): key.public_key()}
        whole = Checkpoint(
            batch=3,
            records=4,
            total=9,
            root=random.randbytes(32),
            previous=random.randbytes(32),
            first_id=uuid4(),
            last_id=uuid4(),
            end_xact=77,
            end_id=uuid4(),
            sealed_at=timezone.now() - timedelta(hours=1),
            key_id=next(iter(trusted)),
        )
        signed = signed_by(whole, key)

        assert signed.is_signed_by(trusted)
        for old, new in [
            ("batch 3", "batch 4"),
            ("total 9", "total 8"),
            ("sealed 20", "sealed 21"),
        ]:
            changed = SignedCheckpoint(signed.text.replace(old, new), signed.signature)
            assert not changed.is_signed_by(trusted)
