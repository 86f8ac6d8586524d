"""Send recorded requests again: planned, rehearsed, to another installation, or for good."""

import argparse
import getpass
import os
import re
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.utils import timezone

from audit.keys import KeyUnavailable
from audit.models import ReplayBatch, ReplayItem, ReplayMode
from audit.reading import filters
from audit.reading.filters import InvalidFilter, RecordFilter
from audit.replay import executing, plan_text, shadow
from audit.replay.executing import BatchRefused, BatchStopped, OnItem
from audit.replay.plan import Plan, make_plan
from audit.replay.reports import reporting
from audit.replay.shadow import TargetRefused
from audit.replay.verifying import VerifyEnded, verify

SOMETHING, REFUSED = 1, 2  # exit codes
PLAN = "plan"
_RATE = re.compile(r"(\d+(?:\.\d+)?)/([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Command(BaseCommand):
    help = (
        "Send recorded requests again (docs/replay.md). Exit code 0: nothing differed and nothing"
        " failed; 1: something did; 2: it was refused or could not be carried through."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        filters.add_arguments(parser)
        which = parser.add_argument_group("how many of them")
        which.add_argument("--all", action="store_true", help="the whole trail, without a filter")
        which.add_argument("--limit", type=_count, metavar="N", help="the oldest N at most")
        which.add_argument(
            "--again", action="store_true", help="execute: also what succeeded, under new keys"
        )
        self._add_mode(parser.add_argument_group("what happens with them"))
        self._add_pace(parser.add_argument_group("how"))
        reports = parser.add_argument_group("reports")
        reports.add_argument("--report", type=Path, metavar="FILE", help="a JSON line an item")
        reports.add_argument("--junit", type=Path, metavar="FILE", help="JUnit XML")

    def _add_mode(self, group: argparse._ArgumentGroup) -> None:
        modes = [PLAN, *ReplayMode.values]
        group.add_argument("--mode", choices=modes, default=PLAN, help="default: %(default)s")
        group.add_argument(
            "--for",
            dest="planned_mode",
            choices=ReplayMode.values,
            default=ReplayMode.EXECUTE.value,
            help="the mode that a plan is for; default: %(default)s",
        )
        group.add_argument(
            "--plan-hash", metavar="HASH", help="execute: of the plan that was reviewed"
        )
        group.add_argument("--resume", metavar="NAME", help="go on with a batch that was stopped")
        group.add_argument("--cancel", metavar="NAME", help="end a batch; what is left never runs")
        group.add_argument(
            "--target", metavar="URL", help="shadow: the other installation's base URL"
        )
        group.add_argument(
            "--token-env", metavar="VARIABLE", help="shadow: the variable that holds the token"
        )
        group.add_argument(
            "--allow-http", action="store_true", help="shadow: send the token in the clear"
        )

    def _add_pace(self, group: argparse._ArgumentGroup) -> None:
        group.add_argument("--batch-name", metavar="NAME", help="default: mode and time")
        group.add_argument("--operator", metavar="NAME", help="default: who runs this command")
        group.add_argument(
            "--parallel", type=_count, default=4, metavar="N", help="execute: customers at once"
        )
        group.add_argument(
            "--rate", type=_rate, metavar="5/s", help="execute, shadow: requests a second, m or h"
        )
        group.add_argument(
            "--until-errors", type=_count, metavar="N", help="execute, shadow: stop after N failed"
        )
        group.add_argument(
            "--ignore",
            action="append",
            default=[],
            type=_pointer,
            metavar="/MEMBER",
            help="verify, shadow: do not compare what this JSON pointer names; * is any one step",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options, timezone.now())
        except (
            BatchRefused,
            BatchStopped,
            Error,
            InvalidFilter,
            KeyUnavailable,
            OSError,
            TargetRefused,
            VerifyEnded,
        ) as error:
            raise CommandError(str(error), returncode=REFUSED) from error

    def _run(self, options: Mapping[str, Any], at: datetime) -> None:
        selection = filters.from_arguments(options)
        if options["resume"] or options["cancel"]:
            if selection != RecordFilter() or options["all"]:
                raise _refused("A batch that is stored takes no filters.")
            self._go_on(options, at)
            return
        if selection == RecordFilter() and not options["all"]:
            raise _refused("Without a filter this is the whole trail; --all says that it is meant.")
        mode = options["planned_mode"] if options["mode"] == PLAN else options["mode"]
        plan = make_plan(
            selection=selection,
            mode=ReplayMode(mode),
            limit=options["limit"],
            again=options["again"],
            at=at,
        )
        if options["mode"] == PLAN:
            lines = plan_text.lines(plan, parallel=options["parallel"], rate=options["rate"])
            self.stdout.write("\n".join(lines))
            return
        if options["plan_hash"] not in (None, plan.hash):
            raise _refused(f"The plan is another one now; its hash is {plan.hash}.")
        if plan.mode is ReplayMode.VERIFY:
            self._verify(plan, selection, options, at)
        else:
            self._work(self._stored(plan, selection, options, at), options)

    def _verify(
        self, plan: Plan, selection: RecordFilter, options: Mapping[str, Any], at: datetime
    ) -> None:
        name = _name(options, at)

        def work(on_item: OnItem) -> None:
            verify(
                plan,
                name=name,
                operator=_operator(options),
                selection=selection,
                ignore=frozenset(options["ignore"]),
                on_item=on_item,
                at=at,
            )

        self._reported(work, total=len(plan.items), name=name, options=options)

    def _stored(
        self, plan: Plan, selection: RecordFilter, options: Mapping[str, Any], at: datetime
    ) -> ReplayBatch:
        target = ""
        if plan.mode is ReplayMode.EXECUTE and not options["plan_hash"]:
            raise _refused("Look at the plan first (--mode plan), then pass its --plan-hash.")
        if plan.mode is ReplayMode.SHADOW:
            target = shadow.checked_target(
                options["target"] or "", allow_http=options["allow_http"]
            )
            shadow.checked_token(_token(options))
        return executing.store(
            plan,
            name=_name(options, at),
            operator=_operator(options),
            selection=selection,
            options={"ignore": options["ignore"]},
            target=target,
            at=at,
        )

    def _go_on(self, options: Mapping[str, Any], at: datetime) -> None:
        if options["cancel"]:
            executing.cancel(options["cancel"], at=at)
            self.stdout.write(f"{options['cancel']} is cancelled.")
        else:
            self._work(executing.found(options["resume"]), options)

    def _work(self, batch: ReplayBatch, options: Mapping[str, Any]) -> None:
        """Run what is pending of a stored batch."""
        pace = {"rate": options["rate"], "until_errors": options["until_errors"]}

        def work(on_item: OnItem) -> None:
            if batch.mode == ReplayMode.SHADOW:
                shadow.run(batch, token=_token(options), on_item=on_item, **pace)
            else:
                executing.run(batch, parallel=options["parallel"], on_item=on_item, **pace)

        left = batch.items.filter(state=ReplayItem.State.PENDING).count()
        self._reported(work, total=left, name=batch.name, options=options)

    def _reported(
        self, work: Callable[[OnItem], None], *, total: int, name: str, options: Mapping[str, Any]
    ) -> None:
        with reporting(
            total=total,
            name=name,
            ndjson=options["report"],
            junit=options["junit"],
            terminal=sys.stderr,
        ) as (on_item, summary):
            work(on_item)
        self.stdout.write("\n".join([f"batch {name}", *summary.lines()]))
        batch = executing.found(name)
        if batch.state == ReplayBatch.State.STOPPED:
            self.stdout.write(f"Stopped; go on with: manage.py replay --resume {name}")
        if not summary.is_sound:
            raise CommandError("Something differed or failed.", returncode=SOMETHING)


def _refused(text: str) -> CommandError:
    return CommandError(text, returncode=REFUSED)


def _name(options: Mapping[str, Any], at: datetime) -> str:
    return options["batch_name"] or f"{options['mode']}-{at:%Y%m%d-%H%M%S}"


def _operator(options: Mapping[str, Any]) -> str:
    if options["operator"]:
        return str(options["operator"])
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def _token(options: Mapping[str, Any]) -> str:
    variable = options["token_env"]
    if not variable:
        raise _refused("Name the variable that holds the token: --token-env VARIABLE.")
    token = os.environ.get(variable, "")
    if not token:
        raise _refused(f"The variable {variable} holds no token.")
    return token


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1")
    return int(text)


def _rate(text: str) -> float:
    found = _RATE.fullmatch(text)
    rate = float(found[1]) / _SECONDS[found[2]] if found else 0
    if not rate:
        raise argparse.ArgumentTypeError(f"{text} is not a rate such as 5/s or 100/m")
    return rate


def _pointer(text: str) -> str:
    if not text.startswith("/"):
        raise argparse.ArgumentTypeError(f"{text} is not a JSON pointer such as /roi_trajectory")
    return text
