"""What is hashed before a record is written is what PostgreSQL gives back."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import canonical, keys
from audit.models import AuditBody
from audit.recording import Prepared, insert
from cs_integrations.database.identifiers import new_request_id
from tests.clients import record_of
from tests.forecasts import FORECAST, customer_with_contract

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=40)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
VALUES = {
    canonical.SMALL: st.integers(-(2**15), 2**15 - 1),
    canonical.WHOLE: st.integers(-(2**31), 2**31 - 1),
    canonical.FLAG: st.booleans(),
    canonical.TIME: st.integers(-(10**15), 4 * 10**15).map(
        lambda microseconds: EPOCH + timedelta(microseconds=microseconds)
    ),
    canonical.ID: st.uuids(),
    canonical.BYTES: st.binary(max_size=40),
    canonical.TEXT: TEXT,
    canonical.TEXTS: st.lists(TEXT, max_size=4),
}
RECORDS = st.fixed_dictionaries(
    {
        name: st.none() | VALUES[kind] if name in canonical.NULLABLE else VALUES[kind]
        for name, kind in canonical.COLUMNS.items()
    }
)


def leaf_in_the_table(record_id: UUID) -> bytes:
    query = f"SELECT {canonical.SELECTED} FROM audit_record AS record WHERE id = %s"
    (leaf,) = canonical.copied(query, [record_id])
    return leaf


@pytest.mark.django_db
class TestTheBytes:
    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(values=RECORDS)
    def test_are_the_same_before_and_after(self, db, values):
        values["id"] = new_request_id(datetime.now(UTC))
        values["mac_key"] = keys.mac_key_id()
        insert(Prepared(values, None))

        leaf = leaf_in_the_table(values["id"])

        assert leaf == canonical.leaf(canonical.packed(values), keys.mac(canonical.packed(values)))
        assert canonical.unpacked(leaf) == {**values, "mac": canonical.split(leaf)[1]}
        assert canonical.record_id(leaf) == values["id"]

    def test_of_many_rows_come_one_by_one(self, api):
        ids = [record_of(api.read("/finance/forecast/cust_404")).pk for _ in range(3)]
        query = (
            f"SELECT {canonical.SELECTED} FROM audit_record AS record"
            " WHERE id = ANY(%s) ORDER BY id"
        )

        assert [canonical.record_id(leaf) for leaf in canonical.copied(query, [ids])] == sorted(ids)
        assert list(canonical.copied(query, [[UUID(int=0)]])) == []

    def test_carry_a_mac_that_only_the_key_makes(self, api):
        record = record_of(api.read("/finance/forecast/cust_404"))

        form, mac = canonical.split(leaf_in_the_table(record.pk))

        assert keys.mac_fits(form, mac, key_id=record.mac_key)
        assert not keys.mac_fits(form + b"\x00", mac, key_id=record.mac_key)
        with pytest.raises(keys.KeyUnavailable):
            keys.mac_fits(form, mac, key_id="another")

    def test_of_a_body_are_told_by_the_record(self, api):
        customer = customer_with_contract()
        record = record_of(api.send(f"/finance/forecast/{customer.public_id}", FORECAST))
        body = AuditBody.objects.get(pk=record.pk)

        ours = canonical.body_bytes(
            bytes(body.request), bytes(body.response), bytes(body.sealed_request),
            body.data_key, body.omitted,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {canonical.BODY_BYTES} FROM audit_body AS body WHERE id = %s", [record.pk]
            )
            assert bytes(cursor.fetchone()[0]) == ours

        assert bytes(record.body_sha256) == hashlib.sha256(ours).digest()

    def test_hold_who_asked_whatever_the_caller_calls_a_secret(self, client_with):
        caller = client_with("cs-finance.read", name="Ledger")
        known = record_of(caller.read("/finance/forecast/cust_404"))
        caller.cookies.load(
            {"a": known.client_id, "b": known.mac_key, "c": "127.0.0.1", "d": "finance_forecast"}
        )

        record = record_of(caller.read("/finance/forecast/cust_404"))

        assert (record.client_id, record.operation) == (known.client_id, "finance_forecast")
        form, mac = canonical.split(leaf_in_the_table(record.pk))
        assert keys.mac_fits(form, mac, key_id=record.mac_key)
