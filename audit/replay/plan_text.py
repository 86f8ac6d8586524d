"""A plan as an operator reviews it."""

from collections.abc import Iterator, Mapping

from audit.models import ReplayMode
from audit.replay.plan import Plan

NO_OPERATION = "(none)"


def lines(plan: Plan, *, parallel: int, rate: float | None) -> Iterator[str]:
    """Yield what would run, what would not and why, how long it takes, and the plan's hash."""
    runnable = len(plan.runnable)
    yield f"Plan for {plan.mode.value}: {runnable:,} of {len(plan.items):,} requests can run."
    yield from _table("By operation", plan.by_operation)
    yield from _table("By effects", {name.value: n for name, n in plan.by_effects.items()})
    yield from _table("Left out", plan.by_obstacle)
    if plan.items:
        first, last = plan.items[0].received_at, plan.items[-1].received_at
        yield ""
        yield f"Received from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC,"
        yield f"in {len({item.lane for item in plan.runnable}):,} rows that keep their order."
    lanes = parallel if plan.mode is ReplayMode.EXECUTE else 1
    took = plan.estimated_time(parallel=lanes, rate=rate)
    yield f"Estimated time: {took.total_seconds():,.1f} s."
    yield f"Plan hash: {plan.hash}"


def _table(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        yield ""
        yield title
        yield from (f"  {count:8,}  {name or NO_OPERATION}" for name, count in counts.items())
