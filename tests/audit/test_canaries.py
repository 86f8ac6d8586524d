"""No secret stays in the trail or the log, wherever a caller puts it."""

import csv
import json
import logging
import re
import socket
from base64 import b64encode
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from audit.reading.exporting import Format, export
from audit.reading.filters import RecordFilter
from cs_integrations.clients.models import User
from tests.audit import canaries
from tests.clients import API, HubClient
from tests.cs_integrations import faulty_urls
from tests.servers import serving

GROUPS = (
    canaries.in_members,
    canaries.in_bodies,
    canaries.in_headers,
    canaries.in_queries,
    canaries.in_paths,
    canaries.in_forms,
    canaries.in_the_admin,
)
SECRET = re.compile(rf"canary.{{0,3}}{canaries.RUN}", re.IGNORECASE)
ENCODED = b64encode(f"canary-{canaries.RUN}".encode())[:-4].decode()


def holds_a_secret(text: str) -> bool:
    return bool(SECRET.search(text)) or ENCODED in text


def columns_with_secrets() -> dict[str, list[str]]:
    """Return the values that hold a secret of this run, by table and column of the trail."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_name LIKE 'audit\\_%' AND table_name !~ '_(\\d{4}_\\d{2}|default)$'"
        )
        found = {}
        for table, column, kind in cursor.fetchall():
            text = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
            cursor.execute(
                f"SELECT {text} FROM {table} WHERE {text} ~* %s OR position(%s in {text}) > 0",
                [f"canary.{{0,3}}{canaries.RUN}", ENCODED],
            )
            if rows := [value for (value,) in cursor.fetchall()]:
                found[f"{table}.{column}"] = rows
        return found


def exported_with_secrets(start: datetime) -> list[str]:
    """Return the exported records that hold a secret outside a column of its own."""
    records = []
    for form in Format:
        exported = b"".join(
            export(RecordFilter(start=start), form=form, at=timezone.now() + timedelta(seconds=1))
        ).decode()
        if form is Format.CSV:
            records += list(csv.DictReader(StringIO(exported)))
        else:
            records += [json.loads(line).get("record", {}) for line in exported.splitlines()]
    assert len(records) > 20
    for record in records:
        for column in ("leaf", *canaries.COLUMNS.values()):  # a leaf is all columns again
            record.pop(column, None)
    return [text for record in records if holds_a_secret(text := str(record))]


def as_printed(records: list[logging.LogRecord]) -> str:
    """Return what production's own handler writes of these."""
    (handler,) = [item for item in logging.getLogger().handlers if item.name == "stderr"]
    return "\n".join(handler.format(record) for record in records)


@pytest.fixture
def demo(db):
    call_command("seed", light=True, stdout=StringIO())


@pytest.fixture
def staff(demo):
    client = HubClient()
    client.force_login(User.objects.create_superuser("alice", password="invented-for-this-test"))
    return client


def test_there_are_200_ways_to_send_one():
    assert sum(len(list(group())) for group in GROUPS) >= 200


@pytest.mark.parametrize("group", GROUPS)
def test_a_secret_stands_nowhere_but_in_its_own_column(
    group, api, client_with, staff, caplog, settings
):
    settings.TRUSTED_PROXY_COUNT = 1
    start = timezone.now()
    auditor = client_with("cs-audit.read", rate_limits={"audit": 100_000})
    own, shown = {}, {}
    for sent in group():
        answer = sent.by(staff if sent.path.startswith("/admin/") else api)
        if "X-Request-ID" in answer:  # static files have no record
            own.setdefault(f"audit_record.{sent.column}", []).extend(sent.headers.values())
            record = auditor.read(f"/audit/{answer['X-Request-ID']}").json()
            record.pop(sent.column, None)
            shown[sent] = str(record)

    found = columns_with_secrets()

    assert {name for name in found if not set(found[name]) <= set(own.get(name, ()))} == set()
    assert [sent for sent, text in shown.items() if holds_a_secret(text)] == []
    assert exported_with_secrets(start) == []
    assert not holds_a_secret(as_printed(caplog.records))


def test_the_search_finds_what_is_there(api):
    """The test of the test: a secret in a column of its own is found."""
    secret = canaries.canary()

    api.get("/", headers={"User-Agent": f"x {secret}"})

    assert columns_with_secrets() == {"audit_record.user_agent": [f"x {secret}"]}


@pytest.mark.django_db
@pytest.mark.urls("tests.cs_integrations.faulty_urls")
@pytest.mark.parametrize("fault", faulty_urls.FAULTS)
@pytest.mark.parametrize("kind", ["api", "page"])
def test_a_failure_prints_no_message_and_no_path(api, caplog, kind, fault):
    api.get(f"/faulty/{kind}/{fault}", headers={"Referer": f"https://{canaries.canary()}/"})

    printed = as_printed(caplog.records)
    assert faulty_urls.CANARY not in printed
    assert "/faulty/" not in printed


@pytest.mark.django_db
@pytest.mark.urls("tests.cs_integrations.faulty_urls")
def test_a_failure_still_says_where_it_happened_and_to_which_request(api, caplog):
    response = api.get("/faulty/page/ZeroDivisionError")

    printed = as_printed(caplog.records)
    assert "faulty_urls.py" in printed
    assert "builtins.ZeroDivisionError" in printed
    assert f"status=500 request_id={response['X-Request-ID']}" in printed


@pytest.mark.django_db(transaction=True)
def test_the_real_server_prints_none_either(capfd):
    with serving() as server:
        for method, path, headers in _on_the_wire():
            server.request(method, path, body=b"{}" if method == "POST" else None, **headers)
        for line in _malformed():
            _say(server.port, line)

    printed = "".join(capfd.readouterr())
    assert not holds_a_secret(printed)
    assert columns_with_secrets() == {}


def _on_the_wire():
    secret = canaries.canary
    yield "GET", f"/{secret()}", {}
    yield "GET", f"{API}/finance/forecast/{secret()}?{secret()}={secret()}", {}
    yield "GET", f"{API}/finance/forecast/cust_1", {"Authorization": f"Bearer {secret()}"}
    yield "GET", f"{API}/finance/forecast/cust_1", {"Host": secret()}
    yield "GET", "/", {"Referer": secret(), "Cookie": f"sessionid={secret()}"}
    yield "POST", f"{API}/product/feedback", {"Content-Type": f"application/{secret()}"}
    yield "POST", "/admin/login/", {"Origin": f"https://{secret()}"}
    yield "POST", f"/admin/{secret()}/", {"Referer": f"https://{secret()}/"}
    yield "POST", "/auth/token", {"Authorization": f"Basic {secret()}"}


def _malformed():
    secret = canaries.canary
    yield f"GET /{secret()}"
    yield f"{secret()} / HTTP/1.1"
    yield f"GET / {secret()}"
    yield f"GET / HTTP/1.1\r\n{secret()}"
    yield f"GET / HTTP/1.1\r\nX {secret()}: 1"
    yield f"POST / HTTP/1.1\r\nContent-Length: {secret()}"
    yield f"POST / HTTP/1.1\r\nTransfer-Encoding: {secret()}"
    yield f"GET /{secret() * 500} HTTP/1.1"


def _say(port: int, line: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as caller:
        caller.sendall(f"{line}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        while caller.recv(4096):
            pass
