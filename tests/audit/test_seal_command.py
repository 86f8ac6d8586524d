"""The sealer as it runs beside the service: on and on, with a second place for checkpoints."""

import os
import signal
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from audit import keys
from audit.models import AuditBatch
from audit.proof import batches, verification
from audit.proof.checkpoints import file_name, read_notes
from audit.proof.second_place import SecondPlace
from tests.audit import records, tampering
from tests.audit.seals import WITHIN_S, eventually, newest_number, seal_everything, sealed_ids
from tests.servers import database_url

pytestmark = pytest.mark.usefixtures("trail")

ONE_BY_ONE = """
from django.utils import timezone
from audit.proof import sealing
sealing.seal(at=timezone.now(), limit=1)
"""


def started(*arguments: str, **options) -> "subprocess.Popen[str]":
    """Start a command on the test database."""
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def ignore_interrupts() -> None:
    """What a shell does to a job in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class TestTheCommandThatGoesOn:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_seals_until_it_is_told_to_stop(self, number):
        seal_everything()
        before = newest_number()
        process = started("audit_seal", "--every", "1s", preexec_fn=ignore_interrupts)
        try:
            for _ in range(2):
                record_id = records.written(at=timezone.now())
                eventually(lambda wanted=record_id: wanted in sealed_ids(after=before))
            process.send_signal(number)
            out, _ = process.communicate(timeout=WITHIN_S)
        finally:
            process.kill()

        assert process.returncode == 0, out
        assert "Sealed 1 records in batch" in out

    def test_stops_when_the_process_that_started_it_is_gone(self, tmp_path):
        starter = (
            "import subprocess, sys, time\n"
            "job = subprocess.Popen([sys.executable, 'manage.py', 'audit_seal', '--every', '1s'])\n"
            "print(job.pid, flush=True)\n"
            "time.sleep(60)\n"
        )
        parent = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", starter],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": database_url()},
            stdout=subprocess.PIPE,
            text=True,
        )
        job = int(parent.stdout.readline())
        record_id = records.written(at=timezone.now())
        before = newest_number()
        eventually(lambda: record_id in sealed_ids(after=before - 1))

        parent.kill()
        parent.communicate()

        eventually(lambda: not is_alive(job))

    def test_killed_amid_its_work_leaves_whole_batches_and_another_goes_on(self):
        seal_everything()
        before = newest_number()
        ids = [records.written(at=timezone.now()) for _ in range(300)]
        process = started("shell", "-c", ONE_BY_ONE)
        eventually(lambda: newest_number() >= before + 5)
        process.kill()
        process.communicate()
        sealed_at_the_kill = len(sealed_ids(after=before))

        records.seal_all(ids[sealed_at_the_kill:])

        assert 5 <= sealed_at_the_kill < 300
        assert sealed_ids(after=before) == ids
        report = verification.verify(trusted=keys.public_keys(), low=ids[0], high=ids[-1])
        assert report.findings == []


def is_alive(process_id: int) -> bool:
    try:
        with open(f"/proc/{process_id}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TestTheSecondPlace:
    def test_gets_each_checkpoint(self, tmp_path):
        seal_everything()
        SecondPlace(tmp_path).catch_up()
        records.seal_all([records.written(at=timezone.now())])

        call_command("audit_seal", checkpoints=str(tmp_path), stdout=StringIO())

        notes = read_notes(tmp_path)
        stored = AuditBatch.objects.order_by("number")
        assert [batches.signed_checkpoint(batch) for batch in stored] == notes

    def test_gets_what_a_killed_sealer_left_out(self, tmp_path):
        seal_everything()
        place = SecondPlace(tmp_path)
        place.catch_up()
        missing = tmp_path / file_name(newest_number())
        missing.unlink()

        assert SecondPlace(tmp_path).catch_up() == 1
        assert missing.exists()
        assert SecondPlace(tmp_path).catch_up() == 0

    def test_raises_an_alarm_when_the_tail_was_cut_off(self, tmp_path, undone, caplog):
        place = SecondPlace(tmp_path)
        place.catch_up()
        tampering.execute("DELETE FROM audit_batch WHERE number = %s", [newest_number()])

        place.catch_up()

        assert "ALARM audit checkpoint not in the trail" in caplog.text

    def test_may_be_standard_output(self):
        seal_everything()
        records.written(at=timezone.now())
        out = StringIO()
        eventually(
            lambda: call_command("audit_seal", checkpoints="-", stdout=out) or out.getvalue()
        )

        assert out.getvalue() == batches.signed_checkpoint(batches.newest()).note


class TestKeys:
    def test_are_printed_for_whoever_verifies(self):
        out = StringIO()
        call_command("audit_keys", stdout=out)
        (key_id,) = keys.public_keys()

        assert out.getvalue().split()[0] == key_id

    def test_are_printed_as_pem(self):
        out = StringIO()
        call_command("audit_keys", pem=True, stdout=out)

        assert "-----BEGIN PUBLIC KEY-----" in out.getvalue()

    def test_are_made_afresh_as_lines_of_an_environment(self):
        out = StringIO()
        call_command("audit_keys", new=True, stdout=out)
        answer = subprocess.run(
            [sys.executable, "manage.py", "audit_keys"],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": database_url()}
            | dict(line.split("=", 1) for line in out.getvalue().split()),
            capture_output=True,
            text=True,
            check=True,
        )

        assert answer.stdout.split()[1] == out.getvalue().split("AUDIT_PUBLIC_KEYS=")[1].strip()
