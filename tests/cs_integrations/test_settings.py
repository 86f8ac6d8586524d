"""Settings come from the environment, contradict nothing, and are all described."""

import ast
import os
import re
import subprocess
import sys
from secrets import token_urlsafe

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks

from cs_integrations import checks, exchange
from tests.servers import database_url

ROOT = django_settings.BASE_DIR
READERS = ("cs_integrations/settings.py", "gunicorn.conf.py")
# Defaults that are made from other things than a plain value.
COMPUTED = {
    "CS_DATA_DIR": ".data",
    "DATABASE_OWNER_URL": "",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
}


def ids(messages):
    return [message.id for message in messages]


class TestChecks:
    def test_find_nothing_to_say_about_development(self):
        assert run_checks() == []

    def test_e001_names_an_offer_that_nobody_provides(self, monkeypatch):
        monkeypatch.setattr(exchange, "OFFERS", (exchange.Offer("sales.orphan"),))

        [found] = checks.offers_are_provided()

        assert found.id == "hub.E001"
        assert "sales.orphan" in found.msg
        assert found in run_checks()

    def test_e002_refuses_the_embedded_database_in_production(self, settings):
        settings.DATABASE_URL = ""
        assert "hub.E002" in ids(run_checks(include_deployment_checks=True))
        assert "hub.E002" not in ids(run_checks())

        settings.DATABASE_URL = "postgresql://db/cs"
        assert checks.database_is_a_server() == []

    @pytest.mark.parametrize(
        ("workers", "redis", "expected"),
        [(1, "", []), (2, "", ["hub.E003"]), (2, "redis://r", []), (1, "redis://r", [])],
    )
    def test_e003_refuses_several_workers_that_share_no_counters(
        self, settings, workers, redis, expected
    ):
        settings.WEB_CONCURRENCY, settings.REDIS_URL = workers, redis

        assert ids(checks.several_workers_share_limits()) == expected

    def test_e004_refuses_the_made_secret_key_in_production(self, settings):
        settings.IS_SECRET_KEY_GIVEN = False
        assert "hub.E004" in ids(run_checks(include_deployment_checks=True))

        settings.IS_SECRET_KEY_GIVEN = True
        assert checks.secret_key_is_given() == []

    def test_e006_refuses_the_made_keys_of_the_trail_in_production(self, settings):
        settings.ARE_AUDIT_KEYS_GIVEN = False
        assert "hub.E006" in ids(run_checks(include_deployment_checks=True))
        assert "hub.E006" not in ids(run_checks())

        settings.ARE_AUDIT_KEYS_GIVEN = True
        assert checks.audit_keys_are_given() == []

    def test_each_has_a_hint(self, settings, monkeypatch):
        monkeypatch.setattr(exchange, "OFFERS", (exchange.Offer("sales.orphan"),))
        settings.DATABASE_URL, settings.IS_SECRET_KEY_GIVEN = "", False
        settings.WEB_CONCURRENCY, settings.REDIS_URL = 2, ""
        settings.ARE_AUDIT_KEYS_GIVEN = False

        ours = [m for m in run_checks(include_deployment_checks=True) if m.id.startswith("hub.")]

        assert sorted(ids(ours)) == [
            *("hub.E001", "hub.E002", "hub.E003", "hub.E004", "hub.E006"),
            "hub.W005",
        ]
        assert all(message.hint for message in ours)


def manage(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.django_db
class TestProduction:
    @pytest.fixture
    def environment(self):
        return {
            "DATABASE_URL": database_url(),
            "DATABASE_OWNER_URL": "postgresql://owner@db.example/cs",
            "PUBLIC_URL": "https://api.penguinmails.com",
            "ALLOWED_HOSTS": "api.penguinmails.com",
            "SECRET_KEY": token_urlsafe(64),
            "AUDIT_MASTER_KEY": f"{token_urlsafe(32)},{token_urlsafe(32)}",
            "AUDIT_SIGNING_KEY": "",
            "AUDIT_PUBLIC_KEYS": token_urlsafe(32),
            "REDIS_URL": "redis://127.0.0.1:1",
            "WEB_CONCURRENCY": "4",
            "TRUSTED_PROXY_COUNT": "1",
        }

    def test_passes_the_deployment_check_without_a_word(self, environment):
        outcome = manage("check", "--deploy", "--fail-level", "DEBUG", **environment)

        assert outcome.returncode == 0, outcome.stderr
        assert outcome.stderr == ""
        assert "no issues" in outcome.stdout

    @pytest.mark.parametrize(
        ("missing", "named"),
        [
            ({"DATABASE_URL": ""}, "hub.E002"),
            ({"SECRET_KEY": ""}, "hub.E004"),
            ({"AUDIT_MASTER_KEY": ""}, "hub.E006"),
            ({"AUDIT_PUBLIC_KEYS": ""}, "hub.E006"),
            ({"DATABASE_OWNER_URL": ""}, "hub.W005"),
            ({"DEBUG": "true"}, "security.W018"),
            ({"PUBLIC_URL": "http://api.penguinmails.com"}, "security.W012"),
        ],
    )
    def test_fails_the_deployment_check_with_development_settings(
        self, environment, missing, named
    ):
        environment |= missing

        outcome = manage("check", "--deploy", "--fail-level", "WARNING", **environment)

        assert outcome.returncode == 1
        assert named in outcome.stderr

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("WEB_CONCURRENCY", "many"),
            ("DEBUG", "perhaps"),
            ("PORT", "http"),
            ("AUDIT_MASTER_KEY", "A" * 42),
            ("AUDIT_SIGNING_KEY", "not a key"),
            ("AUDIT_PUBLIC_KEYS", f"{'A' * 43},{'A' * 44}"),
        ],
    )
    def test_does_not_start_with_a_wrong_value_and_names_it(self, environment, name, value):
        environment[name] = value

        outcome = manage("check", **environment)

        assert outcome.returncode != 0
        assert name in outcome.stderr


class TestTheExampleOfTheEnvironment:
    @pytest.fixture
    def described(self):
        text = (ROOT / ".env.example").read_text()
        found = re.findall(r"^# (.+)\n# ([A-Z_]+)=(.*)$", text, re.MULTILINE)
        return {name: (meaning, default) for meaning, name, default in found}

    def test_holds_each_variable_that_is_read_and_no_other(self, described):
        assert set(described) == set(variables())

    def test_shows_the_true_defaults(self, described):
        expected = {**variables(), **COMPUTED}

        assert {name: default for name, (_, default) in described.items()} == expected

    def test_says_what_each_one_means(self, described):
        assert all(len(meaning) > 20 and "." in meaning for meaning, _ in described.values())

    def test_sets_nothing_when_it_is_copied_as_it_is(self):
        lines = (ROOT / ".env.example").read_text().splitlines()

        assert all(line.startswith("#") or not line for line in lines)


def variables() -> dict[str, str]:
    """Return each environment variable that the service reads, and its default as text.

    Both readers go through ``env``, so that a ``.env`` file counts for either.
    """
    found: dict[str, str] = {}
    for reader in READERS:
        for call in ast.walk(ast.parse((ROOT / reader).read_text())):
            if not isinstance(call, ast.Call) or not ast.unparse(call.func).startswith("env."):
                continue
            name = (
                call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
            )
            default = next((word.value for word in call.keywords if word.arg == "default"), None)
            if isinstance(name, str) and name.isupper():
                text = str(default.value).lower() if isinstance(default, ast.Constant) else ""
                assert found.get(name, text) == text or not text, f"two defaults of {name}"
                found[name] = text or found.get(name, "")
    return found
