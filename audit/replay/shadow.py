"""Recorded requests, sent to another installation and compared; their effects stay there.

They go one after the other in the order of arrival, so each customer's order is kept, and an
id that the other side made is known before a later request names it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.http import HttpResponse
from django.utils import timezone

from audit import bodies, keys
from audit.envelopes import Envelope
from audit.models import AuditBody, ReplayBatch, ReplayItem
from audit.replay import comparing, executing, requests
from audit.replay.comparing import Answer, Shape
from audit.replay.examination import MOMENTARY
from audit.replay.executing import OnItem
from audit.replay.obstacles import Obstacle
from audit.replay.pace import Pace
from audit.replay.renaming import Renames
from audit.replay.requests import NotReplayable
from audit.replay.results import ItemResult
from cs_integrations.api import problems
from cs_integrations.api.context import FIRST_ERROR_STATUS, RequestContext
from cs_integrations.api.viewsets import ANSWER_IDS

TIMEOUT = httpx2.Timeout(30, connect=5)  # seconds; the first of each read and write
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_IGNORE, _RENAMES = "ignore", "renames"  # of the batch's options


class TargetRefused(Exception):
    """The address or the token cannot be used; the text says why."""


def checked_target(url: str, *, allow_http: bool) -> str:
    """Return a base URL that requests and a token may be sent to, without a slash at its end.

    :raises TargetRefused: it is no base URL, or not https and not on this machine
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise TargetRefused(f"{url!r} is not a URL: {error}.") from error
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise TargetRefused(f"{url!r} is not a base URL such as https://staging.example.com.")
    if parts.username or parts.password:
        raise TargetRefused("The target must not hold credentials; name the token's variable.")
    if parts.scheme == "http" and host not in LOOPBACK and not allow_http:
        raise TargetRefused(f"Everybody on the way to {host} could read the token; use https.")
    return url.rstrip("/")


def checked_token(token: str) -> str:
    """Return a token that can stand in a header.

    :raises TargetRefused: it cannot; the text does not repeat it
    """
    if not token or not (token.isascii() and token.isprintable()) or " " in token:
        raise TargetRefused("The token is empty, or cannot stand in a header.")
    return token


def run(
    batch: ReplayBatch,
    *,
    token: str,
    rate: float | None = None,
    until_errors: int | None = None,
    on_item: OnItem,
) -> None:
    """Send what is pending of a stored shadow batch: the first time, or after it was stopped.

    ``rate`` is in requests a second. After ``until_errors`` requests without an answer the
    batch stops. Redirects are not followed.

    :raises TargetRefused: the token cannot stand in a header
    :raises BatchRefused: another process runs the batch, or it has ended
    """
    with executing.running(batch), _client(token) as client:
        sender = _Sender(client, batch)
        pace, never = Pace(rate), Event()
        failures = 0
        pending = batch.items.filter(state=ReplayItem.State.PENDING).order_by("position")
        for item in pending.iterator(chunk_size=executing.STORED_TOGETHER):
            pace.wait(never)
            result = sender.send(item)
            _settle(item, result)
            on_item(result)
            failures += result.state is ReplayItem.State.FAILED
            if until_errors is not None and failures >= until_errors:
                return


@contextmanager
def _client(token: str) -> Iterator[httpx2.Client]:
    headers = {
        "Authorization": f"Bearer {checked_token(token)}",
        "User-Agent": "cs-integrations-shadow",
    }
    with httpx2.Client(headers=headers, timeout=TIMEOUT, follow_redirects=False) as client:
        yield client


class _Sender:
    """Sends the items of a batch, and remembers the ids that the other side made."""

    def __init__(self, client: httpx2.Client, batch: ReplayBatch) -> None:
        self._client = client
        self._batch = batch
        self._ignore = frozenset(batch.options.get(_IGNORE, ()))
        self._renames = Renames(dict(batch.options.get(_RENAMES, {})))

    def send(self, item: ReplayItem) -> ItemResult:
        """Send one item, if its exact request is still to be had."""
        original = requests.originals([item.record_id]).get(item.record_id)
        if original is None:
            return comparing.unsent(item, Obstacle.PROOF_BROKEN)
        body = AuditBody.objects.filter(pk=item.record_id).first()
        try:
            envelope = requests.original_request(original.record, body)
        except NotReplayable as refusal:
            return comparing.unsent(item, refusal.reason)
        try:
            answer = self._answer(item, envelope, original.record["method"])
        except httpx2.HTTPError as error:
            return _failed(item, f"no answer: {type(error).__name__}: {error}")
        if answer.status_code in MOMENTARY:
            return _failed(item, f"answered {answer.status_code}", status=answer.status_code)
        return self._compared(item, original.record, body, envelope, answer)

    def _answer(self, item: ReplayItem, envelope: Envelope, method: str) -> httpx2.Response:
        headers = {
            "Accept": envelope.accept,
            "Content-Type": envelope.content_type,
            "Idempotency-Key": envelope.idempotency_key or str(item.record_id),
            "X-Request-ID": f"replay-{item.record_id}",
        }
        now = self._renames.sent(envelope)
        return self._client.request(
            method,
            self._batch.target + now.target,
            content=now.body,
            headers={name: value for name, value in headers.items() if value},
        )

    def _compared(
        self,
        item: ReplayItem,
        record: Mapping[str, Any],
        body: AuditBody | None,
        envelope: Envelope,
        answer: httpx2.Response,
    ) -> ItemResult:
        shape = comparing.answer_shape(record["method"], record["path"])
        then, now = comparing.recorded_answer(record, body), _kept(record, answer, shape)
        if now.status < FIRST_ERROR_STATUS and record["method"] == "POST":
            names = (*ANSWER_IDS, *comparing.varying(shape))
            if self._renames.learn(then.form, now.form, names=names, request=envelope):
                self._batch.options[_RENAMES] = self._renames.ids
                self._batch.save(update_fields=["options"])
        found = comparing.differences(
            then, now, shape=shape, ignore=self._ignore, renames=self._renames
        )
        return comparing.compared(item, status=now.status, found=found)


def _failed(item: ReplayItem, reason: str, *, status: int | None = None) -> ItemResult:
    unsent = comparing.unsent(item, reason)
    return replace(unsent, state=ReplayItem.State.FAILED, status=status)


def _kept(record: Mapping[str, Any], answer: httpx2.Response, shape: Shape | None) -> Answer:
    """Return the other side's answer as this side's trail would keep it."""
    response = HttpResponse(answer.content, status=answer.status_code)
    del response["Content-Type"]
    for name in answer.headers:
        response[name] = answer.headers[name]
    context = RequestContext(
        request_id=record["id"],
        received_at=record["received_at"],
        address="",
        answer_shape=shape,
        keeps_answer=True,
    )
    try:
        form = bodies.kept_response(context, response, digest=keys.keyed_digest)
    except (ValueError, TypeError, AttributeError):
        form = b""  # a proxy's page, say: nothing that this API answers
    return Answer(
        status=answer.status_code,
        problem_type=_problem_type(answer),
        form=form,
        sha256=hashlib.sha256(answer.content).digest(),
        mac_key=keys.mac_key_id(),
    )


def _problem_type(answer: httpx2.Response) -> str:
    if answer.headers.get("Content-Type", "").partition(";")[0] != problems.MEDIA_TYPE:
        return ""
    try:
        return str(json.loads(answer.content)["type"]).rpartition("/")[2]
    except (ValueError, TypeError, KeyError):
        return ""


def _settle(item: ReplayItem, result: ItemResult) -> None:
    item.state, item.reason, item.status = result.state, result.reason, result.status
    item.differences = [asdict(difference) for difference in result.differences]
    item.settled_at = timezone.now()
    item.save(update_fields=["state", "reason", "status", "differences", "settled_at"])
