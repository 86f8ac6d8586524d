"""What a replay tells: a line for each item as it happens, a JUnit file, and a summary."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from audit.models import ReplayItem
from audit.replay.obstacles import Obstacle
from audit.replay.results import Difference, ItemResult

State = ReplayItem.State
Listener = Callable[[ItemResult], None]
MAX_FIRST = 10  # items whose differences the summary shows
MAX_OPERATIONS = 10
NO_OPERATION = "(none)"


@dataclass(slots=True)
class Summary:
    """Counts of a replay, and the first things that are worth a look."""

    states: Counter[State] = field(default_factory=Counter)
    differing: Counter[str] = field(default_factory=Counter)  # items by operation
    skipped: Counter[str] = field(default_factory=Counter)  # and refused, by reason
    first: list[ItemResult] = field(default_factory=list)

    def add(self, result: ItemResult) -> None:
        """Count one item."""
        self.states[result.state] += 1
        if result.state in (State.SKIPPED, State.REFUSED):
            self.skipped[result.reason] += 1
        if result.differences:
            self.differing[result.operation or NO_OPERATION] += 1
        is_worth_a_look = bool(result.differences) or result.state is State.FAILED
        if is_worth_a_look and len(self.first) < MAX_FIRST:
            self.first.append(result)

    @property
    def is_sound(self) -> bool:
        """Whether nothing differed, nothing failed, and no proof was broken."""
        is_proven = not self.skipped[Obstacle.PROOF_BROKEN]
        return is_proven and not self.differing and not self.states[State.FAILED]

    def as_json(self) -> dict[str, Any]:
        """Return the counts, as the last line of the NDJSON report has them."""
        return {
            "summary": {
                "items": self.states.total(),
                **{state.value: count for state, count in sorted(self.states.items())},
                "differing": self.differing.total(),
                "differing_by_operation": dict(self.differing.most_common()),
                "left_out_by_reason": dict(self.skipped.most_common()),
            }
        }

    def lines(self) -> Iterator[str]:
        """Yield the summary for people."""
        counts = [f"{self.states[state]} {state.value}" for state in State if self.states[state]]
        yield f"{self.states.total()} items: {', '.join(counts) or 'nothing to do'}"
        for reason, count in self.skipped.most_common():
            yield f"  {count} left out: {reason}"
        if self.differing:
            yield f"{self.differing.total()} answers differ:"
        for operation, count in self.differing.most_common(MAX_OPERATIONS):
            yield f"  {count:6} {operation}"
        for result in self.first:
            yield f"{result.record_id} {result.operation or NO_OPERATION}"
            yield from (f"  {line}" for line in _told(result))


class NdjsonReport:
    """One JSON object a line, written as the items are settled; the last is the summary."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def add(self, result: ItemResult) -> None:
        """Write one item."""
        self._write(
            {
                **asdict(result),
                "record_id": str(result.record_id),
                "request_id": str(result.request_id) if result.request_id else None,
                "state": result.state.value,
            }
        )

    def end(self, summary: Summary) -> None:
        """Write the summary."""
        self._write(summary.as_json())

    def _write(self, value: Any) -> None:
        self._file.write(json.dumps(value, separators=(",", ":")) + "\n")
        self._file.flush()  # whoever watches the file sees each item at once


class JUnitReport:
    """JUnit XML for a CI server: a suite for each operation, a case for each request."""

    def __init__(self) -> None:
        self._cases: defaultdict[str, list[TestCase]] = defaultdict(list)

    def add(self, result: ItemResult) -> None:
        """Take one item as a test case."""
        operation = result.operation or NO_OPERATION
        case = TestCase(str(result.record_id), classname=operation)
        if result.state is State.FAILED:
            case.result = [Error(result.reason)]
        elif result.differences:
            failure = Failure(f"{len(result.differences)} differences")
            failure.text = "\n".join(_told(result))
            case.result = [failure]
        elif result.state in (State.SKIPPED, State.REFUSED):
            case.result = [Skipped(result.reason)]
        self._cases[operation].append(case)

    def write(self, path: Path, *, name: str) -> None:
        """Write the file; ``name`` is the batch's."""
        report = JUnitXml(name)
        for operation, cases in sorted(self._cases.items()):
            suite = TestSuite(operation)
            suite.add_testcases(cases)
            report.add_testsuite(suite)
        report.update_statistics()  # type: ignore[no-untyped-call]
        report.write(str(path), pretty=True)


@contextmanager
def reporting(
    *, total: int, name: str, ndjson: Path | None, junit: Path | None, terminal: TextIO
) -> Iterator[tuple[Listener, Summary]]:
    """Yield what takes each result, and the summary that it fills.

    Files are opened before anything runs, and completed when the block ends, however it ends.
    The bar is drawn on a terminal only.

    :raises OSError: a report cannot be written
    """
    summary = Summary()
    listeners: list[Listener] = [summary.add]
    with ExitStack() as stack:
        if ndjson is not None:
            lines = NdjsonReport(stack.enter_context(ndjson.open("w", encoding="utf-8")))
            listeners.append(lines.add)
            stack.callback(lines.end, summary)
        if junit is not None:
            junit.touch()
            cases = JUnitReport()
            listeners.append(cases.add)
            stack.callback(cases.write, junit, name=name)
        bar = stack.enter_context(_progress(terminal))
        task = bar.add_task(name, total=total)
        listeners.append(lambda _result: bar.advance(task))

        def listen(result: ItemResult) -> None:
            for listener in listeners:
                listener(result)

        yield listen, summary


def _progress(terminal: TextIO) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=terminal),
        disable=not terminal.isatty(),
        transient=True,
    )


def _told(result: ItemResult) -> Iterator[str]:
    if result.state is State.FAILED:
        yield result.reason or f"answered {result.status}"
    yield from (told(difference) for difference in result.differences)


def told(difference: Difference) -> str:
    """Return a difference as a sentence without a verb."""
    then, now = difference.then or "nothing", difference.now or "nothing"
    return f"{difference.place}: {then} -> {now}"
