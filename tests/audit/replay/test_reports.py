"""Reports of a replay: lines as they happen, JUnit for a CI server, and a summary for people."""

import io
import json
from uuid import UUID

import pytest
from junitparser import JUnitXml

from audit.models import ReplayItem
from audit.replay.reports import Summary, reporting
from audit.replay.results import Difference, ItemResult

State = ReplayItem.State
REQUEST_ID = UUID("019a8d2e-7c00-7000-8000-0000000000ff")


def result(number, *, state=State.DONE, operation="finance_forecast", reason="", differences=()):
    return ItemResult(
        record_id=UUID(int=number),
        operation=operation,
        lane="cust_1",
        original_status=200,
        status=200 if state is State.DONE else None,
        request_id=REQUEST_ID if state is State.DONE else None,
        state=state,
        reason=reason,
        differences=tuple(differences),
    )


CHANGED = Difference(place="/status", then='"in_review"', now='"<b>\\u0000&"')
RESULTS = [
    result(1),
    result(2, differences=[CHANGED]),
    result(3, operation="sales_expansion", differences=[CHANGED, CHANGED]),
    result(4, operation="sales_expansion", state=State.FAILED, reason="no answer: ConnectError"),
    result(5, operation="", state=State.SKIPPED, reason="its answer rested on the moment"),
]


@pytest.fixture
def files(tmp_path):
    return {"ndjson": tmp_path / "items.ndjson", "junit": tmp_path / "items.xml"}


def reported(results, *, terminal=None, **files):
    terminal = io.StringIO() if terminal is None else terminal
    with reporting(total=len(RESULTS), name="monday", terminal=terminal, **files) as (add, summary):
        for one in results:
            add(one)
    return summary


class TestTheLines:
    def test_are_one_json_object_an_item_and_a_summary(self, files):
        reported(RESULTS, **files)

        *items, last = [json.loads(line) for line in files["ndjson"].read_text().splitlines()]
        assert [item["record_id"] for item in items] == [str(one.record_id) for one in RESULTS]
        assert items[1] == {
            "record_id": str(UUID(int=2)),
            "operation": "finance_forecast",
            "lane": "cust_1",
            "original_status": 200,
            "status": 200,
            "request_id": str(REQUEST_ID),
            "state": "done",
            "reason": "",
            "differences": [{"place": "/status", "then": '"in_review"', "now": CHANGED.now}],
        }
        assert last["summary"] == {
            "items": 5,
            "done": 3,
            "failed": 1,
            "skipped": 1,
            "differing": 2,
            "differing_by_operation": {"finance_forecast": 1, "sales_expansion": 1},
            "left_out_by_reason": {"its answer rested on the moment": 1},
        }

    def test_are_there_as_soon_as_the_item_is_settled(self, files):
        with reporting(total=2, name="monday", terminal=io.StringIO(), **files) as (add, _summary):
            add(RESULTS[0])
            assert len(files["ndjson"].read_text().splitlines()) == 1

    def test_are_there_when_the_replay_breaks_off(self, files):
        def results():
            yield RESULTS[0]
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            reported(results(), **files)

        assert "summary" in files["ndjson"].read_text()
        assert JUnitXml.fromfile(str(files["junit"])).tests == 1


class TestTheJUnitFile:
    def test_has_a_suite_an_operation_and_a_case_a_request(self, files):
        reported(RESULTS, **files)

        report = JUnitXml.fromfile(str(files["junit"]))
        assert (report.name, report.tests) == ("monday", 5)
        assert (report.failures, report.errors, report.skipped) == (2, 1, 1)
        suites = {suite.name: len(suite) for suite in report}
        assert suites == {"(none)": 1, "finance_forecast": 2, "sales_expansion": 2}

    def test_tells_the_differences_in_the_failure(self, files):
        reported(RESULTS, **files)

        report = JUnitXml.fromfile(str(files["junit"]))
        case = next(case for suite in report for case in suite if case.name == str(UUID(int=3)))
        (failure,) = case.result
        assert failure.message == "2 differences"
        assert failure.text.splitlines()[0] == f'/status: "in_review" -> {CHANGED.now}'


class TestTheSummary:
    def test_counts_names_the_operations_and_shows_the_first(self):
        lines = list(reported(RESULTS, ndjson=None, junit=None).lines())

        assert lines[0] == "5 items: 3 done, 1 failed, 1 skipped"
        assert "2 answers differ:" in lines
        assert f'  /status: "in_review" -> {CHANGED.now}' in lines
        assert "  no answer: ConnectError" in lines
        assert "  1 left out: its answer rested on the moment" in lines

    def test_shows_ten_of_many(self):
        summary = Summary()
        for number in range(500):
            summary.add(result(number, differences=[CHANGED]))

        assert summary.differing.total() == 500
        assert sum(line.startswith("  /status") for line in summary.lines()) == 10

    @pytest.mark.parametrize(
        ("results", "is_sound"),
        [
            ([], True),
            ([RESULTS[0]], True),
            ([RESULTS[0], RESULTS[1]], False),
            ([RESULTS[3]], False),
            ([RESULTS[4]], True),
        ],
        ids=["nothing", "equal", "differing", "failed", "left out"],
    )
    def test_says_whether_all_is_well(self, results, is_sound):
        assert reported(results, ndjson=None, junit=None).is_sound is is_sound


class TestTheBar:
    def test_is_for_a_terminal(self):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal, file = Terminal(), io.StringIO()
        reported(RESULTS, terminal=terminal, ndjson=None, junit=None)
        reported(RESULTS, terminal=file, ndjson=None, junit=None)

        assert "5/5" in terminal.getvalue()
        assert file.getvalue() == ""
