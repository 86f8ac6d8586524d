"""Requests as bytes on a socket: what no client library would send, and how gunicorn passes it."""

import socket
import time

import pytest
from django.conf import settings

from audit.models import AuditRecord
from tests.clients import API, issue_token
from tests.servers import serving

FORECAST = f"{API}/finance/forecast/cust_404"
THREADS = 4
BODY_TIMEOUT_S = 10


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), serving() as running:
        yield running


@pytest.fixture
def token(transactional_db):
    return issue_token(["cs-finance.read", "cs-finance.write"]).raw


def opened(server, head, body=b""):
    """Send a request and return the socket."""
    caller = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    caller.sendall("\r\n".join([*head, "Host: localhost", "", ""]).encode("latin-1") + body)
    return caller


def answer_of(caller):
    """Read to the end of the connection; return status, headers and body."""
    with caller, caller.makefile("rb") as stream:
        raw = stream.read()
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


def ask(server, *head, body=b""):
    return answer_of(opened(server, [*head, "Connection: close"], body))


def recorded_statuses(headers):
    return list(
        AuditRecord.objects.filter(pk=headers["x-request-id"]).values_list("status", flat=True)
    )


class TestAContentType:
    @pytest.mark.parametrize(
        "charset", ["hex", "base64", "rot13", "zip", "undefined", "punycode", "utf-16", "no-such"]
    )
    def test_does_not_choose_how_a_query_is_read(self, server, token, charset):
        status, headers, _ = ask(
            server,
            f"GET {FORECAST}?explain=true HTTP/1.1",
            f"Authorization: Bearer {token}",
            f"Content-Type: application/json; charset={charset}",
        )

        assert status == 404
        assert recorded_statuses(headers) == [404]

    @pytest.mark.parametrize("charset", ["hex", "utf-16", "latin-1", "no-such"])
    def test_of_a_body_says_utf_8_or_nothing(self, server, token, charset):
        status, headers, _ = ask(
            server,
            f"POST {FORECAST} HTTP/1.1",
            f"Authorization: Bearer {token}",
            f"Content-Type: application/json; charset={charset}",
            "Content-Length: 2",
            body=b"{}",
        )

        assert status == 415
        assert recorded_statuses(headers) == [415]

    @pytest.mark.parametrize(
        "parameter", ["x*=foo''x", "charset*0*=a''b", "x*=hex''x", "x*=undefined''x", "x*1*=''"]
    )
    @pytest.mark.parametrize("path", [FORECAST, "/", "/admin/login/"])
    def test_that_cannot_be_read_is_never_a_fault(self, server, token, path, parameter):
        status, headers, _ = ask(
            server,
            f"GET {path}?explain=%ed%a0%80 HTTP/1.1",
            f"Authorization: Bearer {token}",
            f"Content-Type: application/json; {parameter}",
        )

        assert status < 500
        assert recorded_statuses(headers) == [status]


class TestABodyThatNeverComes:
    def test_is_refused_after_a_while_and_holds_no_thread(self, server, token):
        head = [f"POST {FORECAST} HTTP/1.1", "Content-Length: 5", "Connection: close"]
        started = time.monotonic()
        callers = [opened(server, head, b"12") for _ in range(THREADS)]

        assert server.request("GET", "/healthz")[0] == 200

        assert time.monotonic() - started < BODY_TIMEOUT_S + 5
        for caller in callers:
            status, headers, body = answer_of(caller)
            assert status == 400
            assert b"did not arrive in time" in body
            assert recorded_statuses(headers) == [400]


class TestABodyThatIsTooLarge:
    def test_ends_the_connection_and_says_so(self, server, token):
        length = settings.MAX_BODY_BYTES + 1
        head = [f"POST {FORECAST} HTTP/1.1", f"Content-Length: {length}"]

        status, headers, _ = answer_of(opened(server, head, b" " * length))

        assert (status, headers["connection"]) == (413, "close")
        assert recorded_statuses(headers) == [413]


class TestAHead:
    @pytest.mark.parametrize("path", ["/", "/nowhere", FORECAST, "/healthz", "/admin/login/"])
    def test_has_the_length_of_the_body_that_it_leaves_out(self, server, token, path):
        bearer = f"Authorization: Bearer {token}"
        status, full, body = ask(server, f"GET {path} HTTP/1.1", bearer)
        head_status, headers, nothing = ask(server, f"HEAD {path} HTTP/1.1", bearer)

        assert (head_status, nothing) == (status, b"")
        assert headers["content-length"] == full["content-length"] == str(len(body))
        if path != "/healthz":
            assert recorded_statuses(headers) == [status]
            assert AuditRecord.objects.get(pk=headers["x-request-id"]).response_bytes == 0


@pytest.mark.usefixtures("token")
class TestWhatIsNotHttp:
    @pytest.mark.parametrize(
        ("head", "expected"),
        [
            (["nonsense"], 400),
            (["GET / HTTP/1.1", "bad header"], 400),
            (["GET / HTTP/1.1", "Content-Length: x"], 400),
            ([f"GET /{'x' * 5000} HTTP/1.1"], 414),
            (["GET / HTTP/1.1", "Expect: cake"], 417),
            (["GET / HTTP/1.1", f"Long: {'x' * 10_000}"], 431),
            (["POST / HTTP/1.1", "Transfer-Encoding: cake"], 501),
        ],
    )
    def test_is_refused_by_gunicorn_in_html(self, server, head, expected):
        before = AuditRecord.objects.count()

        status, headers, _ = ask(server, *head)

        assert status == expected
        assert headers["content-type"].startswith("text/html")
        assert AuditRecord.objects.count() == before
