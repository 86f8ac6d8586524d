"""Calling in process: the whole stack answers, as it would over the network, without a token."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit.envelopes import Envelope
from audit.models import AuditBody, AuditRecord
from audit.replay import requests
from audit.replay.calling import call
from cs_integrations.api.context import Replay
from cs_integrations.clients.models import IdempotencyRecord
from finance.models import ForecastAdjustment
from tests.audit.replay.running import Forecaster, ids_of
from tests.clients import API
from tests.forecasts import customer_with_contract

pytestmark = pytest.mark.django_db


@pytest.fixture
def forecaster():
    return Forecaster()


def envelope_of(answer):
    (record_id,) = ids_of(answer)
    record = requests.originals([record_id])[record_id].record
    return requests.original_request(record, AuditBody.objects.filter(pk=record_id).first())


def replay_of(answer, forecaster, *, settle=lambda _prepared: None, is_rehearsal=False):
    (record_id,) = ids_of(answer)
    return Replay(
        record_id=record_id,
        received_at=AuditRecord.objects.get(pk=record_id).received_at,
        client_id=forecaster.client.client_id,
        batch="try",
        mode="verify" if is_rehearsal else "execute",
        operator="kim",
        is_rehearsal=is_rehearsal,
        settle=settle,
    )


def plain_envelope(target):
    return Envelope(target=target, content_type="", accept="", idempotency_key="", body=b"")


class TestTheOriginal:
    def test_a_write_comes_back_as_it_was_sent(self, forecaster):
        sent = b'{"renewal_probability" : 0.94, "nonsense": "\xc3\xa9"}'
        answer = forecaster.http.send(
            "/finance/forecast/cust_x?explain=true", sent, **{"Idempotency-Key": '"k 1"'}
        )

        assert envelope_of(answer) == Envelope(
            target=f"{API}/finance/forecast/cust_x?explain=true",
            content_type="application/json",
            accept="",
            idempotency_key='"k 1"',
            body=sent,
        )

    def test_a_plain_read_comes_from_its_record(self, forecaster):
        answer = forecaster.http.read("/finance/realization/ctr_9?explain=true")

        assert not AuditBody.objects.exclude(sealed_request=b"").filter(pk=ids_of(answer)[0])
        assert envelope_of(answer) == plain_envelope(
            f"{API}/finance/realization/ctr_9?explain=true"
        )

    @pytest.mark.parametrize(
        "name", ["a%20b", "%C3%A9", "%FF", "a%2Fb", "%25", "a%3Fb", "(1)", "%00x"]
    )
    def test_a_path_comes_back_whatever_is_in_it(self, forecaster, name):
        answer = forecaster.http.get(f"{API}/finance/realization/{name}?unknown=1")

        answered = call(envelope_of(answer), method="GET", replay=replay_of(answer, forecaster))

        again = AuditRecord.objects.get(pk=answered.context.request_id)
        original = AuditRecord.objects.get(pk=ids_of(answer)[0])
        assert (again.path, again.query, again.status) == (
            original.path,
            original.query,
            original.status,
        )


class TestTheStack:
    def test_the_answer_is_the_one_that_the_server_gives(self, forecaster):
        customer = customer_with_contract()
        forecaster.submits(customer.public_id)
        answer = forecaster.http.read(f"/finance/forecast/{customer.public_id}?explain=true")

        answered = call(envelope_of(answer), method="GET", replay=replay_of(answer, forecaster))

        assert answered.response.status_code == 200
        assert answered.response.content == answer.content
        own = {"X-Request-ID", "X-Audit-Trail"}
        of_limit = {name for name in answer.headers if "RateLimit" in name}
        assert set(answered.response.headers) - {"Content-Length"} == set(answer.headers) - {
            "Content-Length"
        }
        for name in set(answer.headers) - own - of_limit - {"Content-Length"}:
            assert answered.response[name] == answer[name]

    def test_it_is_recorded_with_the_original_and_no_exact_request_of_its_own(self, forecaster):
        answer = forecaster.submits("cust_x")

        answered = call(envelope_of(answer), method="POST", replay=replay_of(answer, forecaster))

        made = AuditRecord.objects.get(pk=answered.context.request_id)
        assert made.replay_of == ids_of(answer)[0]
        assert (made.method, made.status, made.address) == ("POST", 404, "")
        assert bytes(AuditBody.objects.get(pk=made.pk).sealed_request) == b""

    @pytest.mark.django_db(transaction=True)
    def test_the_item_is_settled_after_its_record_in_one_transaction(self, forecaster):
        answer = forecaster.submits("cust_x")
        seen = []

        def settle(prepared):
            seen.append(AuditRecord.objects.filter(pk=prepared.values["id"]).exists())
            raise RuntimeError

        answered = call(
            envelope_of(answer),
            method="POST",
            replay=replay_of(answer, forecaster, settle=settle),
        )

        assert seen == [True]
        assert answered.response.status_code == 503
        assert not AuditRecord.objects.filter(replay_of=ids_of(answer)[0]).exists()

    @pytest.mark.django_db(transaction=True)
    def test_an_effect_that_cannot_be_settled_is_undone(self, forecaster):
        customer = customer_with_contract()
        answer = forecaster.submits(customer.public_id)
        forecaster.submits(customer.public_id)

        def settle(_prepared):
            raise RuntimeError

        answered = call(
            replace(envelope_of(answer), idempotency_key="k-new"),
            method="POST",
            replay=replay_of(answer, forecaster, settle=settle),
        )

        assert answered.response.status_code == 503
        assert ForecastAdjustment.objects.count() == 2
        assert not IdempotencyRecord.objects.filter(key="k-new").exists()

    def test_the_clock_is_todays(self, forecaster):
        customer = customer_with_contract()
        answer = forecaster.submits(customer.public_id)
        forecaster.submits(customer.public_id)
        before = timezone.now()

        answered = call(
            replace(envelope_of(answer), idempotency_key=""),
            method="POST",
            replay=replay_of(answer, forecaster),
        )

        assert answered.response.status_code == 201
        assert ForecastAdjustment.objects.latest("pk").effective_from >= before

    def test_no_header_makes_a_request_a_replay(self, forecaster):
        answer = forecaster.submits("cust_x")

        forged = forecaster.http.get(
            f"{API}/finance/forecast/cust_x",
            headers={
                "hub.replay": str(ids_of(answer)[0]),
                "hub-replay": "1",
                "Authorization": "",
            },
        )

        assert forged.status_code == 401
        assert AuditRecord.objects.get(pk=ids_of(forged)[0]).replay_of is None


class TestRehearsal:
    def test_it_has_the_clock_and_the_ids_of_the_original_and_records_nothing(self, forecaster):
        customer = customer_with_contract()
        with transaction.atomic():
            answer = forecaster.submits(customer.public_id)
            original = ForecastAdjustment.objects.get()
            made_at, made_id = original.effective_from, original.public_id
            original.delete()
            settled = []

            answered = call(
                envelope_of(answer),
                method="POST",
                replay=replay_of(answer, forecaster, is_rehearsal=True, settle=settled.append),
            )

            again = ForecastAdjustment.objects.get()
            assert answered.response.content == answer.content
            assert (again.public_id, again.effective_from) == (made_id, made_at)
            assert settled[0].values["id"] == answered.context.request_id
            assert not AuditRecord.objects.filter(replay_of=ids_of(answer)[0]).exists()

    def test_it_does_not_see_what_a_key_was_answered_with(self, forecaster):
        customer = customer_with_contract()
        answer = forecaster.submits(customer.public_id, **{"Idempotency-Key": "k-1"})
        ForecastAdjustment.objects.all().delete()

        answered = call(
            envelope_of(answer),
            method="POST",
            replay=replay_of(answer, forecaster, is_rehearsal=True),
        )

        assert "Idempotent-Replayed" not in answered.response
        assert answered.response.content == answer.content


def test_a_revoked_client_is_not_let_in_whatever_was_planned(forecaster):
    answer = forecaster.submits("cust_x")
    forecaster.client.is_active = False
    forecaster.client.save()

    answered = call(envelope_of(answer), method="POST", replay=replay_of(answer, forecaster))

    assert answered.response.status_code == 401
    assert timezone.now() - answered.context.received_at < timedelta(minutes=1)
