"""The demo portfolio gives the specification's operations examples by the rules, on any day."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction

from operations.models import Csm, Escalation, ExecutionStep, WorkflowExecution
from operations.queries import capacity_forecast

pytestmark = pytest.mark.django_db

DAYS = [date(2026, 11, 23), date(2024, 2, 29), date(2026, 1, 31), date(2026, 12, 31)]
EXECUTE = "/operations/execute/wf_123/cust_123"
TIER_2 = {"parameters": {"escalation_tier": 2}}


@pytest.fixture
def seeded(time_machine):
    """Seed as of a day, then let days pass."""

    def seed(as_of, *, days_later=0):
        call_command("seed", light=True, as_of=as_of, stdout=StringIO())
        at = datetime.combine(as_of, time(12), UTC) + timedelta(days=days_later)
        time_machine.move_to(at, tick=False)
        return at

    return seed


@pytest.mark.parametrize("days_later", [0, 14])
@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_it_gives_the_specified_examples(seeded, client_with, as_of, days_later):
    seeded(as_of, days_later=days_later)
    api = client_with("cs-operations.read", "cs-operations.write")

    begun = api.send(EXECUTE, TIER_2)
    forecast = api.read("/operations/capacity/forecast?period=next_90d")

    assert begun.status_code == 202
    assert tuple(begun.json().values())[1:] == ("4h", "in_progress")
    assert forecast.json() == {
        "utilization_projection": "82%",
        "skill_gaps": ["enterprise_complexity"],
        "hiring_triggers": ["urgent"],
    }
    standing = api.get(begun["Location"]).json()
    assert standing["assignee"] == "csm_senior"
    assert [step["status"] for step in standing["steps"]] == ["done", "open", "pending", "pending"]


def test_the_example_can_be_repeated(seeded, client_with):
    seeded(DAYS[0])
    api = client_with("cs-operations.write")

    first, again = api.send(EXECUTE, TIER_2), api.send(EXECUTE, TIER_2)

    assert first.json() == again.json()


def facts_of_a_seed(as_of):
    """Seed, look, and leave no trace."""
    with transaction.atomic():
        call_command("seed", light=True, as_of=as_of, stdout=StringIO())
        facts = list(
            WorkflowExecution.objects.order_by("public_id").values_list(
                "public_id", "workflow__code", "customer__public_id", "assignee__code",
                "requested_at", "due_at", "finished_at", "status", "priority",
            )
        )  # fmt: skip
        transaction.set_rollback(True)
    return facts


def test_the_same_day_and_seed_give_the_same_facts():
    facts = facts_of_a_seed(DAYS[0])

    assert facts == facts_of_a_seed(DAYS[0])
    assert [fact[0] for fact in facts] == [f"exec_{number}" for number in range(101, 147)]


def test_who_works_and_what_was_done(seeded):
    at = seeded(DAYS[0])
    midnight = at.replace(hour=0)

    assert set(Csm.objects.values_list("code", flat=True)) == {
        "csm_senior",
        "csm_mid",
        "csm_small",
    }
    statuses = Counter(WorkflowExecution.objects.values_list("status", flat=True))
    assert statuses == {"completed": 38, "failed": 2, "in_progress": 6}
    opened = Escalation.objects.filter(resolved_at__isnull=True)
    assert Counter(opened.values_list("tier", flat=True)) == {1: 1, 2: 2, 3: 2, 4: 1}
    assert opened.filter(due_at__lt=midnight).count() == 1
    assert not WorkflowExecution.objects.filter(customer__public_id="cust_123").exists()
    assert (
        not ExecutionStep.objects.filter(execution__status="completed")
        .exclude(status="done")
        .exists()
    )


def test_each_skill_but_one_has_hours_to_spare(seeded):
    at = seeded(DAYS[0])

    pools = capacity_forecast(period="next_90d", at=at).explanation.steps["skill_pools"]

    assert {"healthcare_compliance", "financial_compliance", "ecommerce_seasonality"} < set(pools)
    crowded = {code for code, pool in pools.items() if pool["utilization_pct"] > 85}
    assert crowded == {"enterprise_complexity"}
