"""Shadow: recorded traffic at another installation, over HTTP, with a token of its own."""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from itertools import count

import pytest
from django.core.management import call_command
from django.utils import timezone

from audit.models import AuditRecord, ReplayBatch, ReplayMode
from audit.reading.filters import RecordFilter
from audit.replay import executing, shadow
from audit.replay.plan import make_plan
from audit.replay.shadow import TargetRefused
from tests.audit.replay import facts, traffic
from tests.audit.replay.running import DONE, FAILED, OPERATOR, PENDING, Forecaster, ids_of
from tests.clients import issue_token
from tests.forecasts import customer_with_contract
from tests.servers import serving

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "a-token-of-the-other-side"
READ_FROM_ITS_CLOCK = ("/explanation", "/started_at", "/due_at")
_numbers = count(1)


def shadowed(answers, *, target, token=TOKEN, ignore=(), **options):
    """Send the requests that got these answers; return the batch and the results."""
    selection = RecordFilter(ids=ids_of(*answers))
    at = timezone.now()
    batch = executing.store(
        make_plan(selection=selection, mode=ReplayMode.SHADOW, at=at),
        name=f"shadow-{next(_numbers)}",
        operator=OPERATOR,
        selection=selection,
        options={"ignore": list(ignore)},
        target=shadow.checked_target(target, allow_http=False),
        at=at,
    )
    results = []
    shadow.run(batch, token=token, on_item=results.append, **options)
    batch.refresh_from_db()
    return batch, results


class Other(BaseHTTPRequestHandler):
    """An installation that is not ours: it keeps what it gets, and answers what it is told."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.received.append((self.path, dict(self.headers), body))
        status, headers, content = self.server.says
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@contextmanager
def other(status=200, headers=None, content=b"{}"):
    """Run an installation that gives one answer to everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    server.received, server.says = [], (status, headers or {}, content)
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def forecaster():
    return Forecaster()


class TestAnotherInstallation:
    def test_with_the_same_code_and_facts_answers_the_same(self):
        call_command("seed", light=True, stdout=StringIO())
        everything, stranger = traffic.caller(), traffic.caller("cs-sales.read")
        token = issue_token(list(traffic.SCOPES), rate_limits=traffic.GENEROUS).raw
        before = facts.taken()
        answers = traffic.taken(everything, stranger)
        facts.put_back(before)

        with serving() as server:
            _batch, results = shadowed(
                answers,
                target=f"http://127.0.0.1:{server.port}",
                token=token,
                ignore=READ_FROM_ITS_CLOCK,
            )

        assert {result.state for result in results} == {DONE}
        assert len(results) == len(answers)
        # Its one token may do more than the client that was refused.
        assert [
            (result.operation, result.differences)
            for result in results
            if result.differences and result.original_status != 403
        ] == []

    def test_has_the_effects(self, forecaster):
        customer = customer_with_contract()
        answer = forecaster.submits(customer.public_id)
        scopes = ["cs-finance.read", "cs-finance.write"]
        token = issue_token(scopes, name="Shadow").raw

        with serving() as server:
            shadowed([answer], target=f"http://127.0.0.1:{server.port}", token=token)

        theirs = AuditRecord.objects.get(client_request_id=f"replay-{ids_of(answer)[0]}")
        assert theirs.client_name == "Shadow"
        assert theirs.replay_of is None  # for that side it is a request like any other


class TestWhatIsSent:
    def test_is_the_exact_request_under_the_other_token(self, forecaster):
        answer = forecaster.submits("cust_nobody", **{"Idempotency-Key": "key-7"})

        with other(404) as server:
            shadowed([answer], target=server.url)

        ((path, headers, body),) = server.received
        assert path == answer.request["PATH_INFO"]
        assert headers["Authorization"] == f"Bearer {TOKEN}"
        assert headers["Idempotency-Key"] == "key-7"
        assert headers["X-Request-ID"] == f"replay-{ids_of(answer)[0]}"
        assert headers["Content-Type"] == "application/json"
        assert b'"renewal_probability"' in body

    def test_has_the_records_id_for_its_key_where_there_was_none(self, forecaster):
        answer = forecaster.submits("cust_nobody")

        with other(404) as server:
            shadowed([answer], target=server.url)

        ((_path, headers, _body),) = server.received
        assert headers["Idempotency-Key"] == str(ids_of(answer)[0])

    def test_keeps_the_order_of_arrival(self, forecaster):
        answers = [forecaster.submits(f"cust_{name}") for name in ("b", "a", "b", "c")]

        with other(404) as server:
            shadowed(answers, target=server.url)

        assert [path[-6:] for path, *_ in server.received] == [
            "cust_b",
            "cust_a",
            "cust_b",
            "cust_c",
        ]

    def test_goes_no_faster_than_it_may(self, forecaster):
        answers = [forecaster.submits("cust_nobody") for _ in range(3)]
        began = timezone.now()

        with other(404) as server:
            shadowed(answers, target=server.url, rate=5)

        assert (timezone.now() - began).total_seconds() >= 0.4

    def test_follows_no_redirect_with_its_token(self, forecaster):
        answer = forecaster.submits("cust_nobody")

        with other(200) as elsewhere, other(307, {"Location": elsewhere.url}) as server:
            _batch, (result,) = shadowed([answer], target=server.url)

        assert elsewhere.received == []
        assert (result.original_status, result.status) == (404, 307)
        assert "status" in {difference.place for difference in result.differences}


class TestAnAnswer:
    @pytest.fixture
    def answer(self, forecaster):
        return forecaster.submits(customer_with_contract().public_id)

    def test_of_another_kind_differs(self, answer):
        page = (201, {"Content-Type": "text/html"}, b"<h1>Welcome</h1>")
        with other(*page) as server:
            batch, (result,) = shadowed([answer], target=server.url)

        assert result.state is DONE
        assert "header Content-Type" in {difference.place for difference in result.differences}
        assert batch.items.get().differences[0]["place"] == result.differences[0].place

    @pytest.mark.parametrize("status", [401, 429, 503])
    def test_that_says_nothing_of_its_code_is_a_failure(self, answer, status):
        with other(status) as server:
            batch, (result,) = shadowed([answer], target=server.url)

        assert (result.state, result.reason) == (FAILED, f"answered {status}")
        assert batch.items.get().state == FAILED

    def test_that_does_not_come_is_a_failure_of_its_item(self, answer):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            target = f"http://127.0.0.1:{closed.getsockname()[1]}"
            batch, (result,) = shadowed([answer], target=target)

        assert result.state is FAILED
        assert result.reason.startswith("no answer: ConnectError")
        assert batch.state == ReplayBatch.State.FINISHED

    def test_that_fails_too_often_stops_the_batch_which_can_go_on(self, forecaster):
        answers = [forecaster.submits("cust_nobody") for _ in range(3)]
        with other(503) as server:
            batch, results = shadowed(answers, target=server.url, until_errors=1)

            assert len(results) == 1
            assert batch.state == ReplayBatch.State.STOPPED
            assert batch.items.filter(state=PENDING).count() == 2

            shadow.run(batch, token=TOKEN, on_item=results.append)

        assert len(results) == len(server.received) == 3


class TestATarget:
    @pytest.mark.parametrize(
        "url",
        ["https://staging.example.com", "https://staging.example.com/cs/", "http://127.0.0.1:8000",
         "http://localhost", "http://[::1]:8000"],
    )  # fmt: skip
    def test_is_a_base_url(self, url):
        assert shadow.checked_target(url, allow_http=False) == url.rstrip("/")

    @pytest.mark.parametrize(
        "url",
        ["", "staging.example.com", "ftp://staging.example.com", "https://", "https://a.example?x=1",
         "https://user:secret@a.example", "https://a.example:port"],
    )  # fmt: skip
    def test_is_nothing_else(self, url):
        with pytest.raises(TargetRefused):
            shadow.checked_target(url, allow_http=True)

    def test_takes_a_token_in_the_clear_only_when_that_is_said(self):
        url = "http://staging.example.com"

        with pytest.raises(TargetRefused, match="use https"):
            shadow.checked_target(url, allow_http=False)
        assert shadow.checked_target(url, allow_http=True) == url

    @pytest.mark.parametrize("token", ["", "two words", "new\nline", "é"])
    def test_a_token_is_what_a_header_can_hold(self, token):
        with pytest.raises(TargetRefused):
            shadow.checked_token(token)
