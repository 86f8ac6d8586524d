"""The outcome of a run as text."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from bench.soak.checks import Account
from bench.soak.running import Run


def lines(run: Run, account: Account) -> Iterator[str]:
    """Yield the table of kinds, what was lost and kept, and each rule."""
    statuses: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for attempt in run.ledger.attempts:
        statuses[attempt.kind][str(attempt.status or "lost")] += 1
    for kind in sorted(statuses):
        counts = ", ".join(
            f"{status} x {count}" for status, count in sorted(statuses[kind].items())
        )
        yield f"{kind:26}{statuses[kind].total():>8}  {counts}"
    attempts = run.ledger.attempts
    lost = sum(attempt.is_lost for attempt in attempts)
    yield ""
    yield (
        f"{len(attempts):,} requests of {len(statuses)} kinds by {run.callers} callers"
        f" in {run.seconds:,.0f} s: {len(attempts) / run.seconds:,.0f} a second"
    )
    yield (
        f"{run.kills:,} workers killed; {lost:,} answers lost,"
        f" {account.kept_unheard:,} of them to requests that were done"
    )
    yield f"{account.records:,} records, {account.effects:,} effects"
    yield ""
    for finding in account.findings:
        yield f"{finding.count or 'ok':>8}  {finding.rule}"
        for example in finding.examples:
            yield f"{'':10}{example}"
