"""``manage.py replay``: its options, what it prints, and its exit codes."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from functools import wraps
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from junitparser import JUnitXml

from audit.models import ReplayBatch, ReplayItem
from audit.replay.obstacles import Obstacle
from finance.models import ForecastAdjustment
from finance.views import ForecastViewSet
from tests.audit.replay.running import (
    Forecaster,
    customer_without_contract,
    forecasts_of,
    ids_of,
    mend,
    record,
)
from tests.clients import issue_token
from tests.servers import database_url, serving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def forecaster():
    return Forecaster()


@pytest.fixture
def failed(forecaster):
    """A forecast that was refused, because its customer had no contract."""
    customer = customer_without_contract()
    return customer, forecaster.fails(customer.public_id)


def replay(*arguments, answers=(), **options):
    """Run the command; return what it printed."""
    out = StringIO()
    chosen = ["--ids", ",".join(map(str, ids_of(*answers)))] if answers else []
    call_command("replay", *chosen, *arguments, stdout=out, **options)
    return out.getvalue()


def plan_hash(*arguments, answers):
    return re.search(r"Plan hash: ([0-9a-f]{64})", replay(*arguments, answers=answers))[1]


@contextmanager
def exit_code(code, match=None):
    with pytest.raises(CommandError, match=match) as raised:
        yield
    assert raised.value.returncode == code


class TestPlan:
    def test_is_what_happens_without_a_mode_and_changes_nothing(self, failed):
        customer, answer = failed
        mend(customer)

        printed = replay(answers=[answer])

        assert "Plan for execute: 1 of 1 requests can run." in printed
        assert re.search(r"1  finance_forecast_adjust", printed)
        assert re.search(r"1  unkeyed write", printed)
        assert "Estimated time:" in printed
        assert forecasts_of(customer) == []
        assert not ReplayBatch.objects.exists()

    def test_tells_what_is_left_out_and_why(self, forecaster, failed):
        forecaster.client.is_active = False
        forecaster.client.save()

        printed = replay(answers=[failed[1]])

        assert "0 of 1 requests can run" in printed
        assert Obstacle.CLIENT_GONE in printed

    def test_can_be_for_another_mode(self, failed):
        assert "Plan for verify" in replay("--for", "verify", answers=[failed[1]])

    def test_of_the_whole_trail_must_be_meant(self):
        with exit_code(2, "--all"):
            replay()
        assert "Plan for execute" in replay("--all", "--limit", "1")


class TestVerify:
    def test_of_equal_answers_ends_well(self, failed):
        printed = replay("--mode", "verify", "--batch-name", "same", answers=[failed[1]])

        assert "1 items: 1 done" in printed
        assert ReplayBatch.objects.get(name="same").mode == "verify"

    def test_of_other_answers_ends_with_1_and_says_what_differs(self, failed, tmp_path):
        customer, answer = failed
        mend(customer)
        lines, cases = tmp_path / "out.ndjson", tmp_path / "out.xml"
        out = StringIO()

        with exit_code(1, "differed"):
            replay_into(out, answer, "--mode", "verify", "--report", lines, "--junit", cases)

        assert "1 answers differ:" in out.getvalue()
        assert "status: 409 -> 201" in out.getvalue()
        assert json.loads(lines.read_text().splitlines()[0])["status"] == 201
        assert JUnitXml.fromfile(str(cases)).failures == 1
        assert forecasts_of(customer) == []

    def test_compares_what_it_is_told_to(self, forecaster, monkeypatch):
        customer = customer_without_contract()
        mend(customer)
        answer = forecaster.submits(customer.public_id)
        ForecastAdjustment.objects.all().delete()
        create = ForecastViewSet.create

        @wraps(create)
        def other(*args, **kwargs):
            response = create(*args, **kwargs)
            response.data["status"] = "other"
            return response

        monkeypatch.setattr(ForecastViewSet, "create", other)

        with exit_code(1):
            replay("--mode", "verify", "--batch-name", "all", answers=[answer])
        replay("--mode", "verify", "--ignore", "/status", answers=[answer])


class TestExecute:
    def test_needs_the_hash_of_the_plan(self, failed):
        customer, answer = failed
        mend(customer)

        with exit_code(2, "--plan-hash"):
            replay("--mode", "execute", answers=[answer])
        assert forecasts_of(customer) == []

    def test_runs_what_was_reviewed(self, failed):
        customer, answer = failed
        mend(customer)
        arguments = ("--mode", "execute", "--batch-name", "mended", "--operator", "kim")

        printed = replay(*arguments, "--plan-hash", plan_hash(answers=[answer]), answers=[answer])

        assert "batch mended" in printed
        assert len(forecasts_of(customer)) == 1
        (item,) = ReplayBatch.objects.get(name="mended").items.all()
        assert record(item.request_id).replay_operator == "kim"

    def test_runs_nothing_when_the_plan_is_another_one_now(self, forecaster, failed):
        customer, answer = failed
        mend(customer)
        reviewed = plan_hash(answers=[answer])
        another = forecaster.submits("cust_nobody")

        with exit_code(2, "another one now"):
            replay("--mode", "execute", "--plan-hash", reviewed, answers=[answer, another])
        assert forecasts_of(customer) == []

    def test_ends_with_1_when_something_fails_again(self, failed):
        customer, answer = failed

        with exit_code(1, "failed"):
            replay(
                "--mode", "execute", "--plan-hash", plan_hash(answers=[answer]), answers=[answer]
            )
        assert forecasts_of(customer) == []

    def test_names_the_systems_user_as_its_operator(self, failed):
        mend(failed[0])
        arguments = ("--mode", "execute", "--batch-name", "whose")

        replay(*arguments, "--plan-hash", plan_hash(answers=[failed[1]]), answers=[failed[1]])

        assert ReplayBatch.objects.get(name="whose").operator


class TestABatchThatWasStopped:
    @pytest.fixture
    def stopped(self, forecaster):
        customers = [customer_without_contract() for _ in range(3)]
        answers = [forecaster.fails(customer.public_id) for customer in customers]
        arguments = ("--mode", "execute", "--batch-name", "halfway", "--until-errors", "1")
        out = StringIO()
        with exit_code(1):
            replay_into(
                out,
                *answers,
                *arguments,
                *("--parallel", "1", "--rate", "2/s"),
                "--plan-hash",
                plan_hash(answers=answers),
            )
        assert "--resume halfway" in out.getvalue()
        mend(*customers)
        return customers

    def test_goes_on(self, stopped):
        replay("--resume", "halfway")

        batch = ReplayBatch.objects.get(name="halfway")
        assert batch.state == ReplayBatch.State.FINISHED
        assert sum(len(forecasts_of(customer)) for customer in stopped) == 2

    def test_can_be_cancelled(self, stopped):
        assert "cancelled" in replay("--cancel", "halfway")

        with exit_code(2, "cancelled"):
            replay("--resume", "halfway")
        assert ForecastAdjustment.objects.count() == 0

    def test_takes_no_filters(self, stopped):
        with exit_code(2, "no filters"):
            replay("--resume", "halfway", "--domain", "finance")


class TestShadow:
    def test_sends_to_another_installation(self, failed, monkeypatch):
        scopes = ["cs-finance.read", "cs-finance.write"]
        monkeypatch.setenv("STAGING_TOKEN", issue_token(scopes).raw)

        with serving() as server:
            printed = replay(
                *("--mode", "shadow", "--target", f"http://127.0.0.1:{server.port}"),
                *("--token-env", "STAGING_TOKEN", "--batch-name", "staging"),
                answers=[failed[1]],
            )

        assert "1 items: 1 done" in printed
        assert ReplayItem.objects.get(batch__name="staging").status == 409

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["--target", "http://127.0.0.1:1"], "--token-env"),
            (["--target", "http://127.0.0.1:1", "--token-env", "NO_SUCH"], "holds no token"),
            (["--token-env", "HOME"], "not a base URL"),
            (["--target", "http://staging.example.com", "--token-env", "HOME"], "use https"),
        ],
    )
    def test_is_refused_without_an_address_and_a_token(self, failed, arguments, reason):
        with exit_code(2, reason):
            replay("--mode", "shadow", *arguments, answers=[failed[1]])
        assert not ReplayBatch.objects.exists()


class TestWrongUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["--mode", "pretend"],
            ["--rate", "fast"],
            ["--rate", "0/s"],
            ["--limit", "0"],
            ["--ignore", "roi_trajectory"],
        ],
    )
    def test_is_refused(self, arguments):
        with pytest.raises(CommandError):
            replay("--all", *arguments)

    @pytest.mark.parametrize("arguments", [["--status", "6xx"], ["--from", "yesterday"]])
    def test_a_filter_that_breaks_its_rule_is_refused(self, arguments):
        with exit_code(2):
            replay(*arguments)

    def test_a_report_that_cannot_be_written_is_refused_before_anything_runs(
        self, failed, tmp_path
    ):
        with exit_code(2, "No such file"):
            replay(
                *("--mode", "verify", "--report", str(tmp_path / "no" / "such" / "folder")),
                answers=[failed[1]],
            )
        assert not ReplayBatch.objects.exists()


class TestTheProcess:
    def test_leaves_with_the_exit_codes_that_are_promised(self, failed):
        customer, answer = failed
        ids = str(ids_of(answer)[0])

        assert process("--ids", ids, "--mode", "verify").returncode == 0
        mend(customer)
        assert process("--ids", ids, "--mode", "verify", "--batch-name", "two").returncode == 1
        assert process("--ids", "nonsense").returncode == 2
        assert process("--rate", "fast").returncode == 2


def process(*arguments):
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "manage.py", "replay", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url()},
        capture_output=True,
        check=False,
        timeout=120,
    )


def replay_into(out, *rest):
    """Run the command with these answers, then arguments; what it prints goes to ``out``."""
    answers = [one for one in rest if hasattr(one, "status_code")]
    arguments = [str(one) for one in rest if not hasattr(one, "status_code")]
    ids = ",".join(map(str, ids_of(*answers)))
    call_command("replay", "--ids", ids, *arguments, stdout=out)
