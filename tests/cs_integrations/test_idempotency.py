"""Same client, same key, same request: one effect and one answer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections

from audit import recording
from cs_integrations.clients.models import IdempotencyRecord
from cs_integrations.clients.scopes import SCOPES
from finance.models import ForecastAdjustment
from tests.clients import HubClient, issue_token, problem_of, record_of
from tests.forecasts import FORECAST, customer_with_contract

_WEEK = timedelta(days=7)
GENEROUS = {"finance": 100_000}
HEADER = "Idempotency-Key"


@pytest.fixture
def path(db):
    return f"/finance/forecast/{customer_with_contract().public_id}"


def adjust(client, path, key, **changes):
    return client.send(path, {**FORECAST, **changes}, **{HEADER: key})


class TestTheSameRequestAgain:
    def test_gets_the_stored_answer_and_has_no_second_effect(self, api, path):
        first = adjust(api, path, "a-1")
        again = adjust(api, path, "a-1")

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert again["Location"] == first["Location"]
        assert again["Content-Type"] == first["Content-Type"]
        assert again["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first
        assert ForecastAdjustment.objects.count() == 1

    def test_has_its_own_request_id_record_and_limit(self, api, path):
        first = adjust(api, path, "a-1")
        again = adjust(api, path, "a-1")

        assert again["X-Request-ID"] != first["X-Request-ID"]
        assert int(again["X-RateLimit-Remaining"]) == int(first["X-RateLimit-Remaining"]) - 1
        assert record_of(first).idempotency_outcome == "new"
        assert record_of(again).idempotency_outcome == "replayed"

    def test_may_write_its_key_in_quotes(self, api, path):
        adjust(api, path, "a-1")

        assert adjust(api, path, '"a-1"')["Idempotent-Replayed"] == "true"

    def test_is_another_request_for_another_client(self, api, path):
        adjust(api, path, "a-1")
        bob = HubClient(token=issue_token(["cs-finance.write"]).raw)

        answer = adjust(bob, path, "a-1", renewal_probability=0.9)

        assert answer.status_code == 201
        assert "Idempotent-Replayed" not in answer
        assert ForecastAdjustment.objects.count() == 2

    def test_is_still_the_same_with_another_token_of_the_client(self, api, path):
        issued = issue_token(["cs-finance.write"])
        adjust(HubClient(token=issued.raw), path, "a-1")
        issued.row.pk, issued.row._raw_token = None, "renewed-token"
        issued.row.save(force_insert=True)

        again = adjust(HubClient(token="renewed-token"), path, "a-1")

        assert again["Idempotent-Replayed"] == "true"

    def test_is_forgotten_after_a_day(self, api, path, time_machine):
        time_machine.move_to("2026-06-15T12:00:00Z", tick=False)
        client = HubClient(
            token=issue_token(["cs-finance.write"], expires_in=_WEEK, rate_limits=GENEROUS).raw
        )
        path = f"/finance/forecast/{customer_with_contract().public_id}"
        adjust(client, path, "a-1")
        time_machine.move_to("2026-06-16T12:00:01Z", tick=False)

        answer = adjust(client, path, "a-1", renewal_probability=0.9)

        assert answer.status_code == 201
        assert ForecastAdjustment.objects.count() == 2
        assert IdempotencyRecord.objects.count() == 1


class TestAKey:
    def test_of_another_body_is_refused(self, api, path):
        adjust(api, path, "a-1")

        answer = adjust(api, path, "a-1", renewal_probability=0.9)

        assert problem_of(answer)[:2] == (422, "idempotency-key-reused")
        assert record_of(answer).idempotency_outcome == "mismatch"
        assert ForecastAdjustment.objects.count() == 1

    def test_of_another_path_or_query_is_refused(self, api, path):
        adjust(api, path, "a-1")
        other = f"/finance/forecast/{customer_with_contract().public_id}"

        assert adjust(api, other, "a-1").status_code == 422
        assert adjust(api, f"{path}?explain=true", "a-1").status_code == 422

    @pytest.mark.parametrize(
        "key",
        ["", '""', '"a", "b"', "x" * 256, "tab\tinside", "ключ".encode().decode("latin-1")],
    )
    def test_that_is_malformed_is_refused(self, api, path, key):
        answer = adjust(api, path, key)

        assert problem_of(answer) == (400, "validation-error", [(HEADER, "format")])
        assert ForecastAdjustment.objects.count() == 0

    def test_may_be_255_characters_long(self, api, path):
        assert adjust(api, path, "x" * 255).status_code == 201

    def test_remembers_no_refusal(self, api, path):
        refused = adjust(api, path, "a-1", renewal_probability=7)
        mended = adjust(api, path, "a-1")

        assert (refused.status_code, mended.status_code) == (400, 201)

    def test_means_nothing_on_a_read(self, api, path):
        adjust(api, path, "a-1")

        answer = api.read(path, **{HEADER: "a-1"})

        assert answer.status_code == 200
        assert "Idempotent-Replayed" not in answer


@pytest.mark.django_db(transaction=True)
class TestACommitThatFails:
    @pytest.mark.parametrize("is_kept", [True, False])
    def test_and_cannot_be_recorded_is_not_said_to_have_kept_nothing(
        self, api, path, monkeypatch, is_kept
    ):
        wrapper = connections["default"]

        def lose_the_database(*_arguments):
            raise OperationalError("server closed the connection unexpectedly")

        def commit_and_lose_the_database():
            del wrapper._commit  # the one on the class is back
            if is_kept:
                wrapper._commit()
            monkeypatch.setattr(recording, "write", lose_the_database)
            lose_the_database()

        wrapper._commit = commit_and_lose_the_database
        lost = adjust(api, path, "a-1")
        monkeypatch.undo()
        again = adjust(api, path, "a-1")

        assert problem_of(lost)[:2] == (503, "unavailable")
        assert lost.json()["detail"].startswith("It is not known whether the request was kept")
        assert again.status_code == 201
        assert ("Idempotent-Replayed" in again) == is_kept
        assert ForecastAdjustment.objects.count() == 1

    def test_to_be_reached_is_said_to_have_kept_nothing(self, api, path, monkeypatch):
        def lose_the_database(*_arguments):
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(recording, "write", lose_the_database)

        answer = adjust(api, path, "a-1")

        assert answer.json()["detail"].endswith("nothing was kept.")
        assert ForecastAdjustment.objects.count() == 0


@pytest.mark.django_db(transaction=True)
class TestTwentyParallelDuplicates:
    def test_have_one_effect_and_one_answer(self):
        issued = issue_token(list(SCOPES), rate_limits=GENEROUS)
        path = f"/finance/forecast/{customer_with_contract().public_id}"
        together = threading.Barrier(20)

        def send(_number):
            client = HubClient(token=issued.raw)
            together.wait(timeout=30)
            try:
                return adjust(client, path, "storm-1")
            finally:
                connection.close()

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(send, range(20)))

        accepted = [answer for answer in answers if answer.status_code == 201]
        running = [answer for answer in answers if answer.status_code == 409]
        assert len(accepted) + len(running) == 20
        assert accepted
        assert len({answer.content for answer in accepted}) == 1
        assert sum("Idempotent-Replayed" not in answer for answer in accepted) == 1
        assert all(int(answer["Retry-After"]) >= 1 for answer in running)
        assert {record_of(answer).idempotency_outcome for answer in running} <= {"conflict"}
        assert all(record_of(answer).status == answer.status_code for answer in answers)
        assert ForecastAdjustment.objects.count() == 1

    def test_a_twin_still_running_is_a_conflict(self):
        issued = issue_token(["cs-finance.write"])
        path = f"/finance/forecast/{customer_with_contract().public_id}"
        name = f"{issued.application.pk}|held"
        release, held = threading.Event(), threading.Event()

        def hold_the_key():
            from django.db import transaction  # noqa: PLC0415

            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
                held.set()
                release.wait(timeout=30)
            connection.close()

        holder = threading.Thread(target=hold_the_key)
        holder.start()
        assert held.wait(timeout=30)
        try:
            answer = adjust(HubClient(token=issued.raw), path, "held")
        finally:
            release.set()
            holder.join()

        assert problem_of(answer)[:2] == (409, "conflict")
        assert int(answer["Retry-After"]) >= 1
