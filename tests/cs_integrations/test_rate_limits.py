"""How often a client may call, and that the headers never lie about it."""

import re
from typing import Any

import pytest
from django.test import RequestFactory

from cs_integrations.api import admission, throttling
from cs_integrations.clients.scopes import SCOPES
from tests.clients import API, HubClient, issue_token, problem_of, record_of

NOON = "2026-06-15T12:00:00Z"
READS = {
    "marketing": "/marketing/performance/camp_1",
    "sales": "/sales/expansion/cust_1",
    "product": "/product/adoption/feat_1",
    "finance": "/finance/forecast/cust_1",
    "operations": "/operations/executions/exec_1",
    "audit": "/audit/00000000-0000-7000-8000-000000000000",
}
SPECIFIED = {
    "marketing": 50, "sales": 30, "product": 50, "finance": 10, "operations": 20, "audit": 50
}  # fmt: skip
FINANCE = READS["finance"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


def make_client(*scopes: str, **application: Any) -> HubClient:
    return HubClient(token=issue_token(scopes or tuple(SCOPES), **application).raw)


def limit_of(response: Any) -> tuple[int, int]:
    """Return limit and what is left of it, which all the headers agree on."""
    limit, remaining, reset = (
        int(response[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset")
    )
    policy, quota = re.fullmatch(r'"([a-z-]+)";q=(\d+);w=60', response["RateLimit-Policy"]).groups()
    same, left, seconds = re.fullmatch(
        r'"([a-z-]+)";r=(\d+);t=(\d+)', response["RateLimit"]
    ).groups()
    assert policy == same
    assert (limit, remaining, reset) == (int(quota), int(left), int(seconds))
    assert 1 <= reset <= int(response["X-RateLimit-Window"]) == 60
    return limit, remaining


def policy_of(response: Any) -> str:
    return str(response["RateLimit"].split('"')[1])


class TestTheLimitOfADomain:
    @pytest.mark.parametrize(("domain", "limit"), SPECIFIED.items())
    def test_is_the_documented_one_and_each_header_is_true(self, domain, limit):
        client = make_client()

        for number in range(1, limit + 1):
            response = client.read(READS[domain])
            assert response.status_code == 404
            assert limit_of(response) == (limit, limit - number)
            assert policy_of(response) == f"cs-{domain}"
        refused = client.read(READS[domain])

        assert problem_of(refused)[:2] == (429, "rate-limit")
        assert limit_of(refused) == (limit, 0)

    def test_counts_writes_together_with_reads(self):
        client = make_client(rate_limits={"finance": 2})

        client.read(FINANCE)
        client.send(FINANCE, {})

        assert client.send(FINANCE, {}).status_code == 429

    def test_counts_what_is_refused_for_its_content(self):
        client = make_client()

        assert limit_of(client.send(FINANCE, b"no json"))[1] == 9
        assert limit_of(client.read(f"{FINANCE}?unknown=1"))[1] == 8


class TestTheRefusal:
    @pytest.fixture
    def refused(self):
        client = make_client(rate_limits={"finance": 1})
        client.read(FINANCE)
        return client.read(FINANCE)

    def test_is_the_specifications_problem(self, refused):
        seconds = refused["Retry-After"]

        assert refused.status_code == 429
        assert refused["Content-Type"] == "application/problem+json"
        assert refused.json() == {
            "type": "https://api.penguinmails.com/errors/rate-limit",
            "title": "Rate limit exceeded",
            "detail": f"Retry after {seconds}s",
            "instance": f"{API}{FINANCE}",
            "status": 429,
            "request_id": refused["X-Request-ID"],
        }

    def test_says_when_to_come_back(self, refused):
        assert 1 <= int(refused["Retry-After"]) <= 60
        assert refused["Retry-After"] == refused["X-RateLimit-Reset"]

    def test_is_recorded(self, refused):
        record = record_of(refused)

        assert (record.decision, record.problem_type) == ("throttled", "rate-limit")
        assert (record.limit_policy, record.limit_remaining) == ("cs-finance", 0)

    def test_is_of_the_query_too_but_its_instance_is_the_path(self):
        client = make_client(rate_limits={"finance": 1})
        client.read(FINANCE)

        assert client.read(f"{FINANCE}?explain=true").json()["instance"] == f"{API}{FINANCE}"

    def test_lasts_no_longer_than_it_says(self, time_machine):
        client = make_client(rate_limits={"finance": 1})
        client.read(FINANCE)
        seconds = int(client.read(FINANCE)["Retry-After"])

        time_machine.shift(seconds - 1)
        assert client.read(FINANCE).status_code == 429
        time_machine.shift(2)  # the window's last second still belongs to it
        assert client.read(FINANCE).status_code == 404

    @pytest.mark.parametrize("offset", range(0, 60, 7))
    def test_never_asks_to_come_back_at_once(self, time_machine, offset):
        time_machine.shift(offset)
        client = make_client(rate_limits={"finance": 1})
        client.read(FINANCE)

        for _ in range(60):
            refused = client.read(FINANCE)
            if refused.status_code != 429:
                return
            assert int(refused["Retry-After"]) >= 1
            assert int(refused["X-RateLimit-Reset"]) >= 1
            time_machine.shift(max(1, int(refused["Retry-After"]) - 1))
        pytest.fail("the window never ended")


class TestLimitsAreIndependent:
    def test_between_domains(self):
        client = make_client(rate_limits={"finance": 1})
        client.read(FINANCE)
        assert client.read(FINANCE).status_code == 429

        for domain, limit in SPECIFIED.items():
            if domain != "finance":
                assert limit_of(client.read(READS[domain])) == (limit, limit - 1)

    def test_between_clients(self):
        alice, bob = (make_client(rate_limits={"finance": 1}) for _ in range(2))
        alice.read(FINANCE)
        assert alice.read(FINANCE).status_code == 429

        assert bob.read(FINANCE).status_code == 404

    def test_but_not_between_tokens_of_a_client(self):
        issued = issue_token(["cs-finance.read"], rate_limits={"finance": 1})
        HubClient(token=issued.raw).read(FINANCE)
        issued.row.pk, issued.row._raw_token = None, "a-second-token"
        issued.row.save(force_insert=True)

        assert HubClient(token="a-second-token").read(FINANCE).status_code == 429

    def test_a_clients_own_limit_beats_the_default_up_and_down(self):
        generous, meager = (
            make_client(rate_limits={"finance": 99}),
            make_client(rate_limits={"finance": 3}),
        )

        assert limit_of(generous.read(FINANCE)) == (99, 98)
        assert limit_of(meager.read(FINANCE)) == (3, 2)
        assert limit_of(meager.read(READS["sales"])) == (30, 29)


class TestWhoIsNotCounted:
    def test_a_missing_scope_costs_the_client_nothing(self):
        issued = issue_token(["cs-finance.read"])
        client = HubClient(token=issued.raw)

        for _ in range(12):
            assert client.send(FINANCE, {}).status_code == 403

        assert limit_of(client.read(FINANCE)) == (10, 9)

    def test_nor_does_a_bad_token_of_somebody_else(self):
        client = make_client()

        for _ in range(12):
            assert HubClient(token="garbage").read(FINANCE).status_code == 401

        assert limit_of(client.read(FINANCE)) == (10, 9)

    def test_nor_a_path_or_method_that_is_not_there(self):
        client = make_client()

        assert client.read("/finance/nothing").status_code == 404
        assert client.delete(API + FINANCE).status_code == 405

        assert limit_of(client.read(FINANCE)) == (10, 9)

    def test_where_there_is_no_client_the_headers_are_of_the_address(self, client):
        for path in ("/", "/nowhere", "/errors/conflict", "/admin/login/"):
            assert limit_of(client.get(path)) == (60, 60)
            assert policy_of(client.get(path)) == "cs-address"


class TestTheLimitOfAnAddress:
    @pytest.fixture(autouse=True)
    def _small(self, settings):
        settings.ADDRESS_RATE_LIMIT = 3

    def test_counts_failed_logins(self):
        stranger = HubClient(token="garbage")

        for left in (2, 1, 0):
            response = stranger.read(FINANCE)
            assert (response.status_code, limit_of(response)) == (401, (3, left))
        refused = stranger.read(FINANCE)

        assert problem_of(refused)[:2] == (429, "rate-limit")
        assert refused.json()["detail"] == f"Retry after {refused['Retry-After']}s"
        assert int(refused["Retry-After"]) >= 1
        assert policy_of(refused) == "cs-address"

    @pytest.mark.parametrize("path", ["/auth/token", "/auth/revoke", "/auth/introspect"])
    def test_counts_token_calls(self, path):
        caller = HubClient()
        body = {"content_type": "application/x-www-form-urlencoded", "data": "token=x"}

        for left in (2, 1, 0):
            assert limit_of(caller.post(path, **body)) == (3, left)
        refused = caller.post(path, **body)

        assert problem_of(refused)[:2] == (429, "rate-limit")
        assert int(refused["Retry-After"]) >= 1

    def test_counts_both_together(self):
        HubClient(token="garbage").read(FINANCE)

        assert limit_of(HubClient().post("/auth/token")) == (3, 1)

    def test_does_not_lock_out_who_has_a_token(self):
        for _ in range(5):
            HubClient(token="garbage").read(FINANCE)

        assert make_client().read(FINANCE).status_code == 404

    def test_is_another_for_another_address(self):
        for _ in range(4):
            HubClient(token="garbage").read(FINANCE)

        elsewhere = HubClient(token="garbage", REMOTE_ADDR="192.0.2.7")

        assert elsewhere.read(FINANCE).status_code == 401


class TestForwardedAddresses:
    @pytest.fixture(autouse=True)
    def _small(self, settings):
        settings.ADDRESS_RATE_LIMIT = 2

    def knock(self, forwarded: str, **environ: str) -> Any:
        return HubClient(token="garbage", **environ).read(FINANCE, **{"X-Forwarded-For": forwarded})

    def test_without_a_trusted_proxy_are_the_callers_own_claim(self):
        answers = [self.knock(f"198.51.100.{number}") for number in range(3)]

        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert record_of(answers[0]).address == "127.0.0.1"

    @pytest.mark.parametrize("header", ["X-Real-IP", "Forwarded", "Client-IP", "True-Client-IP"])
    def test_in_other_headers_are_never_looked_at(self, header, settings):
        settings.TRUSTED_PROXY_COUNT = 1

        answers = [
            HubClient(token="garbage").read(FINANCE, **{header: f"198.51.100.{number}"})
            for number in range(3)
        ]

        assert answers[-1].status_code == 429

    def test_count_from_the_right_past_the_trusted_proxies(self, settings):
        settings.TRUSTED_PROXY_COUNT = 1
        forged = [self.knock(f"203.0.113.{number}, 198.51.100.9") for number in range(3)]

        assert [answer.status_code for answer in forged] == [401, 401, 429]
        assert record_of(forged[0]).address == "198.51.100.9"
        assert self.knock("203.0.113.1, 198.51.100.10").status_code == 401

    def test_count_from_further_right_with_two_proxies(self, settings):
        settings.TRUSTED_PROXY_COUNT = 2

        answer = self.knock("203.0.113.1, 198.51.100.9, 10.0.0.1")

        assert record_of(answer).address == "198.51.100.9"

    @pytest.mark.parametrize("forwarded", ["", " ", ",", "198.51.100.9,", "x" * 5000, "\x00é"])
    def test_that_are_no_addresses_do_no_harm(self, settings, forwarded):
        settings.TRUSTED_PROXY_COUNT = 1

        answer = self.knock(forwarded)

        assert answer.status_code == 401
        assert len(record_of(answer).address) <= 256

    def test_with_too_few_hops_fall_back_to_the_peer(self, settings):
        settings.TRUSTED_PROXY_COUNT = 3

        assert record_of(self.knock("203.0.113.1")).address == "127.0.0.1"


class TestCounters:
    def count(self, policy: str, key: str, limit: int) -> int:
        request = RequestFactory().get("/")
        admission.admit(request)
        state = throttling._usage(request, policy=policy, key=key, limit=limit, is_counted=True)
        return limit - state.remaining

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (("cs-d1", "client:1", 10), ("cs-d", "client:1", 110)),
            (("cs-d", "client:1", 10), ("cs-d", "client:11", 10)),
            (("cs-d", "client:1", 10), ("cs-d", "address:1", 10)),
            (("cs-address", "address:1", 60), ("cs-address", "address:12026", 60)),
        ],
    )
    def test_of_two_keys_never_collide(self, one, other):
        assert self.count(*one) == 1
        assert self.count(*one) == 2
        assert self.count(*other) == 1

    def test_that_cannot_be_read_or_written_refuse_nobody(self, monkeypatch):
        monkeypatch.setattr(
            throttling,
            "get_usage",
            lambda *_args, **_kwargs: {
                "count": 0,
                "limit": 0,
                "should_limit": True,
                "time_left": -1,
            },
        )

        response = make_client().read(FINANCE)

        assert response.status_code == 404
        assert limit_of(response) == (10, 10)
