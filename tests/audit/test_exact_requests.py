"""The exact request is kept encrypted, for a replay to send again."""

import json
from dataclasses import replace
from uuid import UUID

import pytest

from audit import data_keys, envelopes
from audit.envelopes import Envelope, EnvelopeBroken
from audit.models import AuditBody, DataKey
from tests.clients import HubClient, issue_token
from tests.forecasts import FORECAST, customer_with_contract

SENT = Envelope(
    target="/v1/x?a=1", content_type="application/json", accept="", idempotency_key="", body=b"{}"
)
RECORD_ID = UUID("019a8d2e-7c00-7000-8000-000000000000")
KEY = bytes(range(32))


def body_of(response) -> AuditBody | None:
    return AuditBody.objects.filter(pk=response["X-Request-ID"]).first()


def exact_request(response) -> Envelope:
    body = body_of(response)
    key = data_keys.by_id(body.data_key)
    return envelopes.opened(bytes(body.sealed_request), record_id=body.pk, key=key.secret)


class TestAnEnvelope:
    @pytest.mark.parametrize("body", [b"", b"\x00\xff", b"a\nb\n"])
    def test_opens_to_what_was_sealed(self, body):
        sent = replace(SENT, body=body, target="/caf\u00e9?\n")

        sealed = envelopes.seal(sent, record_id=RECORD_ID, key=KEY)

        assert envelopes.opened(sealed, record_id=RECORD_ID, key=KEY) == sent
        assert b"caf" not in sealed

    def test_never_looks_the_same_twice(self):
        first, second = (envelopes.seal(SENT, record_id=RECORD_ID, key=KEY) for _ in range(2))

        assert first != second

    @pytest.mark.parametrize(
        "changed",
        [
            {"record_id": UUID(int=1)},
            {"key": bytes(32)},
            {"sealed": b"\x00" * 60},
        ],
    )
    def test_opens_for_its_record_and_key_only(self, changed):
        sealed = envelopes.seal(SENT, record_id=RECORD_ID, key=KEY)
        with pytest.raises(EnvelopeBroken):
            envelopes.opened(**{"sealed": sealed, "record_id": RECORD_ID, "key": KEY} | changed)


@pytest.mark.django_db
class TestWhatIsKept:
    def test_all_that_a_write_meant(self, api):
        customer = customer_with_contract()
        raw = json.dumps({**FORECAST, "evidence": "QBR notes"}, indent=3).encode()
        path = f"/finance/forecast/{customer.public_id}?explain=true"

        response = api.send(path, raw, **{"Idempotency-Key": "k-77"})

        assert response.status_code == 201
        assert exact_request(response) == Envelope(
            target=f"/v1/cs-integrations{path}",
            content_type="application/json",
            accept="",
            idempotency_key="k-77",
            body=raw,
        )
        assert b"QBR" not in bytes(body_of(response).sealed_request)

    def test_of_refused_requests_too(self, api):
        response = api.send("/finance/forecast/cust_404", b'{"evidence": "QBR')

        assert response.status_code == 400
        assert exact_request(response).body == b'{"evidence": "QBR'

    def test_nothing_of_a_plain_read_which_the_record_tells(self, api):
        response = api.read("/finance/forecast/cust_404?explain=true")

        body = body_of(response)
        assert body is None or not bytes(body.sealed_request)

    def test_a_read_that_the_record_does_not_tell(self, api):
        response = api.read("/finance/forecast/cust_404?unknown=1")

        assert exact_request(response).target.endswith("cust_404?unknown=1")

    def test_nothing_of_a_caller_that_nobody_knows(self, client):
        response = client.send("/finance/forecast/cust_1", FORECAST)

        assert response.status_code == 401
        assert body_of(response) is None or not bytes(body_of(response).sealed_request)

    def test_nothing_that_holds_credentials_and_the_trail_says_so(self, db):
        token = issue_token(["cs-finance.write"]).raw

        response = HubClient(token=token).send(
            "/finance/forecast/cust_1", {**FORECAST, "evidence": token}
        )

        assert not bytes(body_of(response).sealed_request)
        assert body_of(response).omitted == "exact request: holds credentials"

    def test_nothing_over_64_kb_and_the_trail_says_so(self, api):
        response = api.send("/finance/forecast/cust_1", b'{"evidence": "' + b"a" * 66_000 + b'"}')

        assert not bytes(body_of(response).sealed_request)
        assert body_of(response).omitted == "exact request: over 64 KB"


@pytest.mark.django_db
class TestADataKey:
    def test_serves_one_client_for_one_month(self, client_with, time_machine):
        time_machine.move_to("2026-11-30T23:59:58Z", tick=False)
        alice, bob = client_with("cs-finance.write"), client_with("cs-finance.write")
        november = [caller.send("/finance/forecast/x", FORECAST) for caller in (alice, alice, bob)]
        time_machine.move_to("2026-12-01T00:00:01Z", tick=False)
        december = alice.send("/finance/forecast/x", FORECAST)

        keys = [body_of(response).data_key for response in (*november, december)]

        assert keys[0] == keys[1]
        assert len(set(keys)) == 3

    def test_is_stored_wrapped_only(self, api):
        response = api.send("/finance/forecast/x", FORECAST)

        stored = DataKey.objects.get(pk=body_of(response).data_key)

        assert data_keys.by_id(stored.pk).secret not in bytes(stored.wrapped)
