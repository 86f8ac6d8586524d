"""Verification names what was done to the trail, and nothing else."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from io import StringIO
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from audit import keys
from audit.proof import batches, matching, merkle, tombstones, verification
from audit.proof.findings import Kind, Report
from audit.proof.month_proof import MonthProof
from audit.proof.tombstones import Statement
from audit.proof.verification import ProofState, verify_records
from tests.audit import records, tampering
from tests.audit.tampering import Sample, verified

TIMES_EACH = 3


@pytest.fixture(scope="module")
def _made() -> dict[str, Sample]:
    return {}


@pytest.fixture
def sample(trail, _made) -> Sample:
    """Sixty sealed records in batches of ten; made once, what tests do to them is undone."""
    if not _made:
        _made["sample"] = tampering.make_sample(60, in_batches_of=10)
    return _made["sample"]


def run(**options) -> dict:
    out = StringIO()
    try:
        call_command("audit_verify", json=True, stdout=out, stderr=StringIO(), **options)
    except CommandError as error:
        return {"exit": error.returncode} | json.loads(out.getvalue() or "{}")
    return {"exit": 0} | json.loads(out.getvalue())


class TestTampering:
    @pytest.mark.parametrize("way", tampering.WAYS)
    def test_is_found_wherever_it_is_done(self, sample, undone, way):
        random = Random(way)
        for _ in range(TIMES_EACH):
            with transaction.atomic():
                expected = tampering.WAYS[way](sample, random)
                report = verified(kept=[sample.newest])
                transaction.set_rollback(True)
            assert tampering.is_found(expected, report), report.findings[:5]

    def test_of_the_tail_shows_by_a_checkpoint_kept_elsewhere_only(self, sample, undone):
        tampering.cut_off_the_tail(sample, Random(1))

        assert verified().is_clean
        assert verified(kept=[sample.newest]).counts == {Kind.TRUNCATED: 1}

    def test_with_a_list_of_leaves_to_match_shows_by_the_mac(self, sample, undone):
        (record_id,) = tampering.chain_anew(sample, Random(2))

        report = verified()

        assert report.about(record_id) == [Kind.ALTERED]
        assert report.counts[Kind.BATCH] > 0
        strangers = verified(with_macs=False)
        assert strangers.about(record_id) == []
        assert strangers.counts[Kind.BATCH] > 0


class TestHonestRecords:
    def test_give_no_alarm(self, sample):
        report = verified(kept=[sample.newest])

        assert report.findings == []
        assert report.records >= 60
        assert report.batches >= 6

    def test_that_are_not_sealed_yet_give_none_either(self, sample, undone):
        before = verified()
        records.written(at=tampering.START)

        report = verified()

        assert report.is_clean
        assert report.unsealed == before.unsealed + 1

    def test_are_counted_where_there_is_no_master_key(self, sample, undone):
        records.written(at=tampering.START)

        report = verified(with_macs=False)

        assert report.unchecked == report.unsealed > 0
        assert "MACs were not checked" in report.notes[0]


class TestTheProofStateOfSomeRecords:
    def test_is_one_of_four(self, sample, undone):
        altered, removed, sealed = sample.ids[3], sample.ids[4], sample.ids[5]
        waiting = records.written(at=tampering.START)
        tampering.execute("UPDATE audit_record SET status = 299 WHERE id = %s", [altered])
        tampering.execute("DELETE FROM audit_record WHERE id = %s", [removed])

        assert verify_records([altered, removed, sealed, waiting]) == {
            altered: ProofState.BROKEN,
            removed: ProofState.UNKNOWN,
            sealed: ProofState.SEALED,
            waiting: ProofState.UNSEALED,
        }

    @pytest.mark.parametrize(
        "way", ["edit the MAC", "edit a body", "delete a body", "insert a forged record",
                "insert a record with the key", "swap two records", "forge an unsealed record"],
    )  # fmt: skip
    def test_is_broken_after(self, sample, undone, way):
        touched = tampering.WAYS[way](sample, Random(way))

        states = verify_records([*touched, *sample.ids])

        broken = {record_id for record_id, state in states.items() if state is ProofState.BROKEN}
        assert broken == set(touched)

    @pytest.mark.parametrize("way", ["swap signatures", "chain anew under another key"])
    def test_is_broken_when_its_batch_is(self, sample, undone, way):
        tampering.WAYS[way](sample, Random(way))

        assert ProofState.BROKEN in verify_records(sample.ids).values()

    def test_of_nothing_is_nothing(self, sample):
        assert verify_records([]) == {}


class TestTheCommand:
    def test_leaves_with_0_when_nothing_is_wrong(self, sample):
        answer = run(start=tampering.START, end=timezone.now())

        assert answer["exit"] == 0
        assert answer["clean"] is True

    def test_leaves_with_1_and_names_the_record(self, sample, undone):
        (record_id,) = tampering.delete_record(sample, Random(3))

        answer = run(record_id=record_id)

        assert answer["exit"] == 1
        assert [found["kind"] for found in answer["findings"]] == ["removed"]
        assert answer["findings"][0]["record_id"] == str(record_id)

    def test_says_so_in_words_too(self, sample, undone):
        (record_id,) = tampering.edit_body(sample, Random(4))
        out = StringIO()

        with pytest.raises(CommandError, match="does not verify: 1 findings"):
            call_command("audit_verify", record_id=record_id, stdout=out)

        assert f"BODY ALTERED {record_id} its body is not what the record says" in out.getvalue()

    def test_leaves_bodies_out_on_request(self, sample, undone):
        (record_id,) = tampering.edit_body(sample, Random(5))

        assert run(record_id=record_id, no_bodies=True)["exit"] == 0

    def test_takes_kept_checkpoints_from_a_file_and_a_directory(self, sample, undone, tmp_path):
        (tmp_path / "checkpoint-000000000001.txt").write_text(sample.newest.note)
        tampering.cut_off_the_tail(sample, Random(6))

        for place in (tmp_path, tmp_path / "checkpoint-000000000001.txt"):
            answer = run(record_id=sample.ids[0], kept=[place])
            assert answer["counts"]["truncated"] == 1

    def test_trusts_a_given_key_alone(self, sample):
        stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        (ours,) = keys.public_keys().values()
        raw_keys = (stranger, ours.public_bytes_raw())
        texts = [urlsafe_b64encode(raw).decode() for raw in raw_keys]

        assert run(record_id=sample.ids[0], public_keys=[texts[0]])["exit"] == 1
        assert run(record_id=sample.ids[0], public_keys=[texts[1]])["exit"] == 0

    @pytest.mark.parametrize(
        "options",
        [
            {"public_keys": ["nowhere.pem"]},
            {"export": Path("nowhere")},
            {"kept": [Path("nowhere")]},
            {"record_id": UUID(int=7)},
        ],
    )
    def test_leaves_with_2_when_it_cannot_verify(self, trail, options):
        assert run(**options)["exit"] == 2


class TestADroppedMonth:
    def test_is_not_excused_by_a_tombstone_that_somebody_else_signed(self, sample, undone):
        removed = tampering.drop_partition(sample, Random(7))
        tampering.execute(
            "INSERT INTO audit_tombstone (table_name, month, records, digest, key_id, text,"
            " signature, dropped_at) VALUES ('audit_record', %s, %s, '', '', 'x', '', now())",
            [tampering.MONTH, len(removed)],
        )

        report = verified()

        assert report.counts == {Kind.REMOVED: len(removed), Kind.TOMBSTONE: 1}

    def test_is_excused_by_a_tombstone_that_states_just_its_records(self, sample, undone):
        before = everything_verified()
        stone = bury(sample)

        after = everything_verified()

        assert after.counts == before.counts
        assert after.dropped - before.dropped == stone.proof.records

    def test_whose_tombstone_states_fewer_records_is_reported(self, sample, undone):
        before = everything_verified()
        bury(sample, stated=-1)

        assert everything_verified().counts - before.counts == {Kind.TOMBSTONE: 1}


def everything_verified() -> Report:
    """Verify all of the trail; what other tests left in it may be in the report."""
    return verification.verify(trusted=keys.public_keys())


def bury(sample: Sample, *, stated: int = 0) -> Statement:
    """Drop the sample's month as retention does; ``stated`` is added to the number it signs."""
    hashed = sha256()
    rows = list(matching.rows(tampering.LOW, tampering.HIGH, with_bodies=False))
    for row in map(matching.Row.parsed, rows):
        hashed.update(row.id.bytes + merkle.leaf_hash(row.leaf))
    tampering.drop_partition(sample, Random(7))
    proof = MonthProof(
        records=len(rows) + stated, digest=hashed.digest(), batches=0, roots=bytes(32)
    )
    return tombstones.write(
        table="audit_record", month=tampering.MONTH, proof=proof, at=timezone.now()
    )


def test_a_batch_that_is_missing_is_named(sample, undone):
    newest = batches.newest()
    tampering.execute("DELETE FROM audit_batch WHERE number = %s", [newest.number - 1])

    found = {(finding.kind, finding.batch) for finding in everything_verified().findings}

    assert (Kind.BATCH, newest.number) in found
