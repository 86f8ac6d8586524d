"""The trail: one record for each answer, together with its effect, never changed again."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, OperationalError, connection, connections

from audit.models import AuditBody, AuditRecord, TrailIsAppendOnly
from cs_integrations.database import roles
from finance.models import ForecastAdjustment
from tests.clients import API, HubClient, issue_token, problem_of, record_of
from tests.forecasts import FORECAST, customer_with_contract

PARTITION = "SELECT relid::regclass::text FROM pg_partition_tree('audit_record') WHERE isleaf"


def records_of(response):
    return AuditRecord.objects.filter(pk=response["X-Request-ID"])


@contextmanager
def owner() -> Iterator[None]:
    with roles.as_owner(connection):
        yield


def as_owner(statement: str) -> None:
    with owner(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def stranger(db):
    return HubClient()


class TestEachAnswerHasExactlyOneRecord:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("get", f"{API}/finance/forecast/cust_404", 404),
            ("get", f"{API}/finance/forecast/%00", 404),
            ("post", f"{API}/finance/forecast/cust_404", 415),
            ("delete", f"{API}/finance/forecast/cust_1", 405),
            ("get", f"{API}/no/such/route", 404),
            ("get", "/nowhere", 404),
            ("get", "/", 200),
            ("get", "/errors/rate-limit", 200),
            ("get", "/openapi/cs-cross-domain-v1.json", 200),
            ("get", "/admin/", 302),
            ("get", "/admin/login/", 200),
            ("post", "/admin/login/", 200),
            ("post", "/auth/token", 400),
            ("get", "/auth/token", 405),
        ],
    )
    def test_whatever_was_asked(self, api, method, path, status):
        response = getattr(api, method)(path)

        assert response.status_code == status
        record = records_of(response).get()
        assert (record.status, record.method) == (status, method.upper())

    def test_also_when_nobody_is_known(self, stranger):
        response = stranger.read("/finance/forecast/cust_1")

        assert response.status_code == 401
        assert record_of(response).decision == "unauthenticated"

    def test_also_when_the_body_is_refused_unread(self, api):
        response = api.send("/finance/forecast/cust_1", b" " * 300_000)

        assert response.status_code == 413
        assert record_of(response).problem_type == "payload-too-large"

    def test_also_when_the_limit_is_passed(self, client_with):
        client = client_with("cs-finance.read", rate_limits={"finance": 1})
        client.read("/finance/forecast/cust_1")

        response = client.read("/finance/forecast/cust_1")

        assert response.status_code == 429
        assert record_of(response).decision == "throttled"

    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_but_not_the_exempt_paths(self, stranger, path):
        before = AuditRecord.objects.count()

        response = stranger.get(path)

        assert response.status_code == 200
        assert AuditRecord.objects.count() == before


class TestARecordSays:
    def test_who_asked_for_what_and_what_was_decided(self, client_with):
        client = client_with("cs-finance.read", name="Ledger")

        response = client.read(
            "/finance/forecast/cust_404?explain=true",
            **{"User-Agent": "ledger/2", "X-Request-ID": "abc-1", "traceparent": "00-aa-bb-01"},
        )

        record = record_of(response)
        assert record.client_name == "Ledger"
        assert record.scopes_held == "cs-finance.read"
        assert record.scope_needed == "cs-finance.read"
        assert record.decision == "allowed"
        assert record.operation == "finance_forecast"
        assert record.route == "v1/cs-integrations/finance/forecast/<str:customer_id>"
        assert record.path == f"{API}/finance/forecast/cust_404"
        assert record.query == "explain=true"
        assert record.object_ids == ["cust_404"]
        assert record.problem_type == "not-found"
        assert record.response_bytes == len(response.content)
        assert (record.user_agent, record.client_request_id) == ("ledger/2", "abc-1")
        assert record.traceparent == "00-aa-bb-01"
        assert record.limit_policy == "cs-finance"

    def test_paths_and_headers_that_postgresql_could_not_hold(self, api):
        response = api.get("/", PATH_INFO="/\x00/caf\xc3\xa9", HTTP_USER_AGENT="\x00\xff")

        assert response.status_code == 404
        assert record_of(response).path == "/(unknown)/(unknown)"
        assert record_of(response).user_agent == "\\x00\\xff"

    def test_nothing_of_a_query_that_no_view_declares(self, api):
        response = api.read("/finance/forecast/cust_1?access_token=canary-77&explain=true")

        assert response.status_code == 400
        assert record_of(response).query == "(undeclared)&explain=true"


@pytest.mark.django_db(transaction=True)
class TestEffectAndRecord:
    def test_commit_together(self, api):
        customer = customer_with_contract()

        response = api.send(f"/finance/forecast/{customer.public_id}", FORECAST)

        assert response.status_code == 201
        assert record_of(response).status == 201
        assert ForecastAdjustment.objects.count() == 1

    def test_a_failing_record_undoes_the_effect_and_answers_503(self, api):
        customer = customer_with_contract()
        as_owner(f"REVOKE INSERT ON audit_record FROM {roles.APPLICATION_ROLE}")
        try:
            response = api.send(f"/finance/forecast/{customer.public_id}", FORECAST)
        finally:
            as_owner(f"GRANT INSERT ON audit_record TO {roles.APPLICATION_ROLE}")

        assert problem_of(response)[:2] == (503, "unavailable")
        assert int(response["Retry-After"]) > 0
        assert ForecastAdjustment.objects.count() == 0
        assert not records_of(response).exists()

    def test_a_read_that_cannot_be_recorded_is_not_answered(self, api):
        customer = customer_with_contract()
        as_owner(f"REVOKE INSERT ON audit_record FROM {roles.APPLICATION_ROLE}")
        try:
            response = api.read(f"/finance/forecast/{customer.public_id}")
        finally:
            as_owner(f"GRANT INSERT ON audit_record TO {roles.APPLICATION_ROLE}")

        assert problem_of(response)[:2] == (503, "unavailable")

    def test_a_deferred_constraint_at_commit_leaves_no_effect_and_one_record(self, api):
        customer = customer_with_contract()
        with failing_commit_on("finance_forecastadjustment"):
            response = api.send(
                f"/finance/forecast/{customer.public_id}", FORECAST, **{"Idempotency-Key": "k-1"}
            )

        assert problem_of(response)[:2] == (409, "conflict")
        assert ForecastAdjustment.objects.count() == 0
        assert records_of(response).get().status == 409

        again = api.send(
            f"/finance/forecast/{customer.public_id}", FORECAST, **{"Idempotency-Key": "k-1"}
        )
        assert again.status_code == 201
        assert "Idempotent-Replayed" not in again
        assert ForecastAdjustment.objects.count() == 1

    def test_a_commit_that_did_happen_is_answered_as_it_was(self, api):
        customer = customer_with_contract()
        wrapper = connections["default"]

        def commit_and_lose_the_answer():
            del wrapper._commit  # the one on the class is back
            wrapper._commit()
            raise OperationalError("server closed the connection unexpectedly")

        wrapper._commit = commit_and_lose_the_answer
        response = api.send(f"/finance/forecast/{customer.public_id}", FORECAST)

        assert response.status_code == 201
        assert records_of(response).get().status == 201
        assert ForecastAdjustment.objects.count() == 1

    def test_a_refused_request_leaves_nothing_but_its_record(self, api):
        customer = customer_with_contract()

        response = api.send(
            f"/finance/forecast/{customer.public_id}",
            {**FORECAST, "confidence_interval": [0.97, 0.88]},
        )

        assert response.status_code == 400
        assert ForecastAdjustment.objects.count() == 0
        assert records_of(response).get().status == 400


@contextmanager
def failing_commit_on(table: str) -> Iterator[None]:
    """Let any transaction that writes the table fail when it commits."""
    as_owner(
        """
        CREATE FUNCTION fail_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'refused at commit' USING ERRCODE = 'check_violation'; END $$
        """
    )
    as_owner(
        f"CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT ON {table}"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_at_commit()"
    )
    try:
        yield
    finally:
        as_owner(f"DROP TRIGGER fail_at_commit ON {table}")
        as_owner("DROP FUNCTION fail_at_commit()")


@pytest.mark.django_db(transaction=True)
class TestTheTrailOnlyGrows:
    @pytest.fixture
    def record(self, api):
        return record_of(api.read("/finance/forecast/cust_404"))

    @pytest.fixture
    def partitions(self, record):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
            )
            assert cursor.fetchone() == (roles.APPLICATION_ROLE, False)
            cursor.execute(PARTITION)
            return [name for (name,) in cursor.fetchall()]

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE {table} SET status = 200",
            "DELETE FROM {table}",
            "TRUNCATE {table}",
            "DROP TABLE {table}",
            "ALTER TABLE {table} DISABLE TRIGGER ALL",
            "ALTER TABLE audit_record DETACH PARTITION {partition}",
        ],
    )
    def test_for_the_role_that_serves(self, record, partitions, statement):
        for table in ("audit_record", *partitions):
            for_table = statement.format(table=table, partition=partitions[0])
            with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
                connection.cursor().execute(for_table)

        assert AuditRecord.objects.filter(pk=record.pk).exists()

    @pytest.mark.parametrize(
        "statement", ["UPDATE {} SET status = 1", "DELETE FROM {}", "TRUNCATE {}"]
    )
    def test_for_the_owner_too(self, record, partitions, statement):
        of_record = f"audit_record_{record.received_at:%Y_%m}"
        for table in ("audit_record", of_record):
            with pytest.raises(DatabaseError, match="only grows"):
                as_owner(statement.format(table))

    def test_in_the_orm(self, record):
        with pytest.raises(TrailIsAppendOnly):
            record.save()
        with pytest.raises(TrailIsAppendOnly):
            record.delete()
        with pytest.raises(TrailIsAppendOnly):
            AuditRecord.objects.update(status=200)
        with pytest.raises(TrailIsAppendOnly):
            AuditRecord.objects.all().delete()

    def test_a_record_lies_in_its_month(self, record, partitions):
        month = f"audit_record_{record.received_at:%Y_%m}"
        assert month in partitions
        with owner(), connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {month} WHERE id = %s", [record.pk])
            assert cursor.fetchone() == (1,)

    def test_a_month_that_nobody_made_loses_no_record(self, api, time_machine):
        time_machine.move_to("2099-05-05T12:00:00Z", tick=False)

        response = HubClient(token=issue_token(["cs-finance.read"]).raw).read(
            "/finance/forecast/cust_1"
        )

        assert response.status_code == 404
        assert record_of(response).received_at.year == 2099


class TestNoSecretIsStored:
    def test_wherever_it_was_sent(self, api, client, caplog):
        secrets = {
            "bearer": {
                "path": f"{API}/finance/forecast/cust_1",
                "HTTP_AUTHORIZATION": "Bearer canary-1",
            },
            "basic": {
                "path": "/auth/introspect",
                "HTTP_AUTHORIZATION": "Basic Y2FuYXJ5LTI6Y2FuYXJ5LTI=",
            },
            "cookie": {"path": "/admin/", "HTTP_COOKIE": "sessionid=canary-3"},
            "query": {"path": "/auth/token?client_secret=canary-4"},
            "undeclared": {"path": f"{API}/finance/forecast/cust_1?token=canary-5"},
        }
        for request in secrets.values():
            client.get(**request)
        client.post(
            "/auth/token",
            {"grant_type": "client_credentials", "client_id": "x", "client_secret": "canary-6"},
        )
        client.post(
            "/auth/revoke", {"token": "canary-7", "client_id": "x", "client_secret": "canary-8"}
        )
        client.post("/admin/login/", {"username": "alice", "password": "canary-9"})
        api.send("/finance/forecast/cust_1", {"password": "canary-10", "evidence": "canary-11"})

        assert "canary" not in everything_in_the_trail()
        assert "canary" not in caplog.text

    def test_a_token_is_masked_wherever_else_it_is_put(self, client_with):
        token = issue_token(["cs-finance.write"]).raw
        caller = HubClient(token=token)
        path = f"/finance/forecast/{token}"
        body = {**FORECAST, "period": token, token: token}

        caller.send(path, body, **{"Idempotency-Key": token, "User-Agent": f"x {token}"})
        caller.send(f"{path}?explain={token}", body, **{"X-Request-ID": token})
        caller.get("/", HTTP_TRACEPARENT=token, HTTP_REFERER=token)
        caller.post("/auth/revoke", {"token": token, "client_id": token, "client_secret": token})

        assert token not in everything_in_the_trail()
        assert "(secret)" in everything_in_the_trail()

    def test_free_text_of_an_accepted_request_is_not_kept(self, api):
        customer = customer_with_contract()

        response = api.send(
            f"/finance/forecast/{customer.public_id}", {**FORECAST, "evidence": "canary-12"}
        )

        assert response.status_code == 201
        body = AuditBody.objects.get(pk=response["X-Request-ID"])
        assert b'"renewal_probability"' in bytes(body.request)
        assert "canary" not in everything_in_the_trail()


def everything_in_the_trail() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(string_agg(record::text, ' '), '') FROM audit_record AS record"
        )
        records = cursor.fetchone()[0]
        cursor.execute(
            "SELECT coalesce(string_agg(encode(request || response, 'escape'), ' '), '')"
            " FROM audit_body"
        )
        return records + cursor.fetchone()[0]
