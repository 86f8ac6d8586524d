"""The number of queries of each endpoint: constant in the number of customers, kept in a file.

`UPDATE_QUERY_COUNTS=1 make test` rewrites the file; the difference is then part of the review.
"""

import json
import os
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cs_integrations.customers.models import Customer
from examples import tour

BASELINE = Path(__file__).parent / "query_counts.json"
DAY = date(2026, 11, 23)
COPIES = 43  # of the 46 accounts: about 2,000 customers

# Facts that grow with the number of customers; of the daily ones the last day is enough here.
CLONED = {
    "customers_subscription": "",
    "customers_stakeholder": "",
    "customers_usagemonthly": "",
    "customers_healthsnapshot": "WHERE measured_date = '2026-11-23'",
    "finance_contract": "",
    "finance_payment": "",
    "product_featureentitlement": "",
    "product_featureusagedaily": "WHERE used_date >= '2026-11-22'",
    "operations_accountskillneed": "",
    "marketing_campaignenrollment": "",
    "marketing_touchpoint": "",
    "sales_deal": "",
    "sales_evidenceitem": "",
    "sales_whitespaceitem": "",
    "sales_opportunity": "",
    "product_trainingrecord": "",
    "product_feedback": "",
    "operations_workflowexecution": "WHERE finished_at IS NOT NULL",
    "operations_escalation": "WHERE resolved_at IS NOT NULL",
    "customers_customermilestone": "",
}
BESIDE_THE_TEN = [
    {"name": "forecast in force", "method": "GET", "path": "/finance/forecast/cust_123"},
    {"name": "audit records", "method": "GET", "path": "/audit/?status=4xx&domain=finance"},
    {"name": "unknown contract", "method": "GET", "path": "/finance/realization/ctr_404"},
]


def copy_the_portfolio() -> None:
    with connection.cursor() as cursor:
        columns = _columns(cursor, "customers_customer")
        cursor.execute(
            f"""
            CREATE TEMP TABLE twin ON COMMIT DROP AS
            SELECT id AS old, nextval(pg_get_serial_sequence('customers_customer', 'id')) AS new, n
            FROM customers_customer, generate_series(1, {COPIES}) AS n
            """
        )
        cursor.execute(_insert("customers_customer", columns, "row.id = twin.old", ""))
        for table, filtered in CLONED.items():
            names = _columns(cursor, table)
            cursor.execute(_insert(table, names, "row.customer_id = twin.old", filtered))
        cursor.execute("ANALYZE")


def _columns(cursor, table: str) -> list[str]:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        " AND table_schema = 'public' ORDER BY ordinal_position",
        [table],
    )
    return [name for (name,) in cursor.fetchall()]


def _insert(table: str, columns: list[str], join: str, filtered: str) -> str:
    is_customer = table == "customers_customer"
    kept = [name for name in columns if name != "id" or is_customer]
    values = {
        "id": "twin.new",
        "customer_id": "twin.new",
        "public_id": "row.public_id || 'x' || twin.n",
    }
    chosen = ", ".join(values.get(name, f'row."{name}"') for name in kept)
    names = ", ".join(f'"{name}"' for name in kept)
    overriding = "OVERRIDING SYSTEM VALUE" if is_customer else ""
    return (
        f"INSERT INTO {table} ({names}) {overriding}"
        f" SELECT {chosen} FROM (SELECT * FROM {table} {filtered}) AS row JOIN twin ON {join}"
    )


def count_queries(api) -> dict[str, int]:
    counts = {}
    for call in [*tour.CALLS["calls"], *BESIDE_THE_TEN]:
        with CaptureQueriesContext(connection) as queries:
            if call["method"] == "GET":
                response = api.read(call["path"])
            else:
                response = api.send(call["path"], call["body"])
        assert response.status_code < 500, response.content
        counts[call["name"]] = len(queries)
    return counts


@pytest.mark.django_db
def test_they_are_the_same_for_45_and_for_2000_customers(api, time_machine):
    time_machine.move_to(datetime(2026, 11, 23, 12, tzinfo=UTC), tick=False)
    call_command("seed", as_of=DAY, light=True, stdout=StringIO())
    for _ in range(2):  # makes the month's data key, then remembers it
        api.send("/finance/forecast/cust_404", {})
    small = transaction.savepoint()
    at_45 = count_queries(api)
    transaction.savepoint_rollback(small)
    copy_the_portfolio()
    assert Customer.objects.count() > 2000

    assert count_queries(api) == at_45
    if os.environ.get("UPDATE_QUERY_COUNTS"):
        BASELINE.write_text(json.dumps(at_45, indent=2) + "\n")
    assert at_45 == json.loads(BASELINE.read_text())
