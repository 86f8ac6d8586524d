"""Secrets in wrong places: everything a caller can write, each with a secret of its own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.urls import reverse

from cs_integrations.api.trail import nested_in
from finance.serializers import ForecastIn
from marketing.serializers import TriggerIn
from operations.serializers import ExecutionIn
from product.serializers import FeedbackIn
from sales.serializers import HandoffIn
from tests.clients import API
from tests.oauth import ENDPOINTS, FORM, basic

_numbers = count(1)
RUN = token_hex(4)
JSON = "application/json"
# Headers that the record has a column for.
COLUMNS = {
    "User-Agent": "user_agent",
    "X-Request-ID": "client_request_id",
    "Idempotency-Key": "idempotency_key",
}


def canary() -> str:
    """Return a secret that nothing else holds; it stands in no list of known words."""
    return f"canary-{RUN}-{next(_numbers)}"


@dataclass(frozen=True, eq=False)
class Sent:
    """One request that holds a secret; ``column`` of its record is where that may stand."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    column: str = ""

    def by(self, caller: Any) -> Any:
        path, _, query = self.path.partition("?")
        return caller.generic(
            self.method,
            path,
            self.body,
            content_type=self.content_type,
            headers=self.headers,
            QUERY_STRING=query,
        )


WRITES: dict[str, tuple[type, dict[str, Any]]] = {
    "/marketing/triggers/cust_123": (
        TriggerIn,
        {"health_score": 75, "risk_category": "monitor", "milestones": ["adoption_complete"]},
    ),
    "/sales/handoff/complete/deal_123": (
        HandoffIn,
        {"success_plan_id": "sp_456", "baseline_kpis": {"nps_target": 8.5}},
    ),
    "/product/feedback": (
        FeedbackIn,
        {
            "customer_id": "cust_789",
            "feature_id": "feat_101",
            "impact_score": 9,
            "evidence": "usage_screenshot_url",
        },
    ),
    "/finance/forecast/cust_123": (
        ForecastIn,
        {
            "renewal_probability": 0.94,
            "confidence_interval": [0.88, 0.97],
            "scenarios": {"expansion": "$75k"},
        },
    ),
    "/operations/execute/wf_123/cust_123": (
        ExecutionIn,
        {"parameters": {"escalation_tier": 2}},
    ),
}
READS = (
    "/marketing/performance/camp_123",
    "/marketing/campaigns/camp_123",
    "/sales/expansion/cust_123",
    "/sales/handoff/status/cust_103",
    "/product/adoption/feat_101",
    "/product/feedback/status/PROD-1",
    "/finance/realization/ctr_123",
    "/finance/forecast/cust_123",
    "/operations/executions/exec_1",
    "/operations/capacity/forecast",
    "/audit/019a8d2e-7c00-7000-8000-000000000000",
)


def in_members() -> Iterator[Sent]:
    """Each member of each body, in the forms that a value can have, and unknown members."""
    for path, (shape, valid) in WRITES.items():
        for place in _places(shape):
            for wrong in (str, _in_list, _as_name):
                yield _write(path, _with(valid, place, wrong(canary())))
        yield _write(path, {**valid, "password": canary()})
        yield _write(path, {**valid, canary(): 1})
        yield _write(path + "?explain=true", {**valid, canary(): {"a": [canary()]}})
    forecast = "/finance/forecast/cust_123"
    for name in ("expansion", "flat_renewal"):
        yield _write(forecast, _with(WRITES[forecast][1], ("scenarios", name, "x"), canary()))
    yield _write("/operations/execute/wf_123/cust_123", {"parameters": {canary(): canary()}})


def in_bodies() -> Iterator[Sent]:
    """Bodies that are refused before any member is looked at."""
    path = f"{API}/product/feedback"
    for content_type in (FORM, "text/plain", "application/xml", "multipart/form-data; boundary=x"):
        yield Sent("POST", path, f"evidence={canary()}".encode(), content_type)
    for body in (
        f'{{"evidence": {canary()}}}',
        f'"{canary()}"',
        f'["{canary()}"]',
        f'{{"a": "{(twice := canary())}", "{twice}": 1, "{twice}": 2}}',
        f'{{"{canary()}": "\\u0000"}}',
        f'{{"evidence": "{canary()}\\ud800"}}',
        f'{{"{canary()}": ' + "[" * 40 + "]" * 40 + "}",
        f'{{"{canary()}": NaN}}',
        f'{{"evidence": "{canary()}"',
        f'{{"impact_score": {"9" * 50}, "evidence": "{canary()}"}}',
    ):
        yield Sent("POST", path, body.encode())
    yield Sent("POST", path, json.dumps({"evidence": canary() * 20_000}).encode())
    yield Sent("POST", path, json.dumps({"evidence": canary()}).encode() + b"\xff")
    yield Sent("GET", path, json.dumps({"evidence": canary()}).encode())
    yield Sent("PUT", path, json.dumps({"evidence": canary()}).encode())


def in_headers() -> Iterator[Sent]:
    """Headers that the service reads, and others; three of them have a column."""
    read, write = f"{API}/finance/forecast/cust_123", f"{API}/operations/execute/wf_123/cust_123"
    for name in (
        *COLUMNS,
        *(
            "Accept",
            "Accept-Language",
            "Accept-Encoding",
            "Cookie",
            "Forwarded",
            "Host",
            "If-Match",
        ),
        *("Origin", "Range", "Referer", "X-Api-Key", "X-Forwarded-For", "X-Forwarded-Host"),
        *("X-Forwarded-Proto", "traceparent", "tracestate", "X-CSRFToken"),
    ):
        headers = {name: canary()}
        yield Sent("GET", read, headers=headers, column=COLUMNS.get(name, ""))
        headers = {name: canary()}
        column = COLUMNS.get(name, "")
        yield Sent("POST", write, b'{"parameters": {}}', headers=headers, column=column)
        if column == "":
            yield Sent("POST", "/admin/login/", b"", FORM, {name: canary()})
    for path in (read, "/auth/introspect", "/admin/"):
        for credential in (f"Bearer {canary()}", f"Basic {canary()}", canary()):
            yield Sent("GET", path, headers={"Authorization": credential})
        yield Sent("POST", path, headers=basic(canary(), canary()))
    for content_type in (f"{canary()}/x", f"application/json; charset={canary()}", canary()):
        yield Sent("POST", write, b"{}", content_type)
    yield Sent("POST", write, b"{}", headers={"Idempotency-Key": f'"{canary()}"x"'})


def in_queries() -> Iterator[Sent]:
    """Known and unknown query parameters: their values, and their names."""
    for path in (*READS, *WRITES):
        method = "POST" if path in WRITES else "GET"
        for query in (f"explain={canary()}", f"{canary()}=1", f"explain=true&token={canary()}"):
            yield Sent(method, f"{API}{path}?{query}", b"{}" if method == "POST" else b"")
    yield Sent("GET", f"{API}/operations/capacity/forecast?period={canary()}")
    yield Sent("GET", f"{API}/operations/capacity/forecast?period=next_90d&period={canary()}")
    for name in ("client_id", "idempotency_key", "customer_id", "cursor", "status", "replay_batch"):
        yield Sent("GET", f"{API}/audit/?{name}={canary()}")
    yield Sent("GET", f"/?{canary()}={canary()}")
    yield Sent("GET", f"/errors/rate-limit?{canary()}")
    yield Sent("GET", f"/auth/token?client_secret={canary()}")


def in_paths() -> Iterator[Sent]:
    """Ids that are none, and routes that do not exist."""
    for path in (*READS, *WRITES):
        method = "POST" if path in WRITES else "GET"
        whole, _, _ = path.rpartition("/")
        yield Sent(method, f"{API}{whole}/{canary()}")
        yield Sent(method, f"{API}{path}/{canary()}")
    yield Sent("GET", f"{API}/finance/forecast/cust_{canary()}")
    yield Sent("GET", f"{API}/finance/forecast/{quote(canary() + '/é')}")
    yield Sent("POST", f"{API}/operations/execute/{canary()}/cust_123", b'{"parameters": {}}')
    for path in ("/{}", "/{}/", "/errors/{}", "/docs/{}", "/openapi/{}", "/auth/{}", "/static/{}"):
        yield Sent("GET", path.format(canary()))
        yield Sent("DELETE", path.format(canary()))
    for path in ("/admin/{}", "/admin/{}/", "/admin/audit/auditrecord/{}/change/"):
        yield Sent("GET", path.format(canary()))
        yield Sent("POST", path.format(canary()))
    yield Sent(canary().upper(), "/")


def in_forms() -> Iterator[Sent]:
    """Each parameter of the token endpoints, and other ways to hand them over."""
    names = ("grant_type", "client_id", "client_secret", "scope", "token", "token_type_hint")
    for path in ENDPOINTS:
        for name in (*names, "username", "password", "assertion", "refresh_token"):
            form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
            yield Sent("POST", path, _form({**form, name: canary()}), FORM)
        yield Sent("POST", path, _form({canary(): "1"}), FORM)
        yield Sent("POST", path, json.dumps({"client_secret": canary()}).encode())
        yield Sent("POST", f"{path}?client_secret={canary()}", b"", FORM)


def in_the_admin() -> Iterator[Sent]:
    """What staff write: searches, the sign-in form, and each text of the forms that add rows."""
    for name in ("username", "password", "next"):
        form = {"username": "alice", "password": "wrong", name: canary()}
        yield Sent("POST", "/admin/login/", _form(form), FORM)
    yield Sent("GET", f"/admin/login/?next=/{canary()}")
    for model in admin.site._registry:
        names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if model._meta.app_label == "oauth2_provider":
            continue
        yield Sent("GET", f"{reverse(f'{names}_changelist')}?q={canary()}")
        secret = canary()
        fields = [column.name for column in model._meta.fields]
        form = dict.fromkeys([*fields, "password1", "password2"], secret)
        yield Sent("POST", reverse(f"{names}_add"), _form(form), FORM)
    yield Sent("GET", f"/admin/audit/auditrecord/?client_name={canary()}&{canary()}=1")


def _places(shape: type, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, member in shape().fields.items():
        yield (*before, name)
        inner = nested_in(member)
        if inner is not None:
            yield from _places(type(inner), (*before, name))


def _with(valid: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    name, *inner = place
    if not inner:
        return {**valid, name: value}
    within = valid.get(name)
    return {**valid, name: _with(within if isinstance(within, dict) else {}, tuple(inner), value)}


def _in_list(secret: str) -> Any:
    return [secret, 1]


def _as_name(secret: str) -> Any:
    return {secret: secret}


def _write(path: str, body: Any) -> Sent:
    return Sent("POST", API + path, json.dumps(body).encode())


def _form(members: dict[str, str]) -> bytes:
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in members.items()).encode()
