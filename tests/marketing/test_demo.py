"""The demo's named facts give the specification's examples, whatever the day it is seeded on."""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from itertools import pairwise

import pytest
import time_machine
from django.core.management import call_command
from django.db import transaction

from cs_integrations.customers.demo import build_portfolio
from cs_integrations.management.commands.seed import LIGHT_DAYS
from marketing import demo
from marketing.models import Campaign, CampaignEnrollment, EngagementEvent, Message, RevenueEvent
from marketing.rules import PARAMETERS, SequenceCode

DAYS = (
    date(2026, 11, 23),
    date(2024, 2, 29),
    date(2026, 1, 31),
    date(2026, 12, 31),
    date(2027, 3, 1),
)
SPECIFIED = {"health_score": 75, "risk_category": "monitor", "milestones": ["adoption_complete"]}


def seed(as_of, random_seed=1):
    """Write the portfolio and this domain's facts; the other domains' are not needed here."""
    portfolio = build_portfolio(as_of=as_of, random_seed=random_seed, days=LIGHT_DAYS)
    demo.build(portfolio=portfolio)


def noon(as_of, days=0):
    return time_machine.travel(
        datetime.combine(as_of, time(12), UTC) + timedelta(days=days), tick=False
    )


class TestTheSpecificationsExamples:
    @pytest.mark.parametrize("as_of", DAYS, ids=str)
    def test_come_out_by_the_rules_for_two_weeks(self, client_with, as_of):
        call_command("seed", light=True, as_of=as_of, stdout=StringIO())
        for days in (0, 14):
            with noon(as_of, days), transaction.atomic():
                self.check(client_with("cs-marketing.read", "cs-marketing.write"))
                transaction.set_rollback(True)

    @pytest.mark.parametrize("random_seed", [2, 3, 4])
    def test_do_not_hang_on_the_random_seed(self, client_with, random_seed):
        seed(DAYS[0], random_seed)
        with noon(DAYS[0]):
            self.check(client_with("cs-marketing.read", "cs-marketing.write"))

    @staticmethod
    def check(api):
        performance = api.read("/marketing/performance/camp_123?explain=true").json()
        triggered = api.send("/marketing/triggers/cust_123?explain=true", SPECIFIED)

        assert triggered.status_code == 202
        answer = triggered.json()
        assert answer["campaign_id"].startswith("camp_")
        assert answer["triggered_sequences"] == ["onboarding_nurture"]
        assert answer["estimated_impact"] == "15% health_uplift"
        assert answer["explanation"]["sample_size"] == 0
        assert performance["attribution_to_cs"] == "42%"
        assert performance["revenue_impact"] == "$12,500"
        assert 0.5 < performance["health_correlation"] < 1
        assert performance["explanation"]["sample_size"] == 24
        # The trigger's new enrollment moves nothing that was earned before it.
        again = api.read("/marketing/performance/camp_123?explain=true").json()
        assert again == performance


@pytest.fixture
def portfolio(db):
    seed(DAYS[0])


@pytest.mark.usefixtures("portfolio")
class TestTheFacts:
    def test_are_twelve_campaigns_of_five_kinds(self):
        kinds = list(Campaign.objects.values_list("kind", flat=True))

        assert {kind: kinds.count(kind) for kind in kinds} == {
            "retention": 5, "lifecycle": 3, "expansion": 2, "advocacy": 1, "winback": 1,
        }  # fmt: skip

    def test_have_twenty_to_thirty_participants_but_for_win_back(self):
        sizes = {row.public_id: row.enrollments.count() for row in Campaign.objects.all()}

        assert sizes.pop("camp_111") == 6
        assert sizes["camp_123"] == 24
        assert all(20 <= size <= 30 for size in sizes.values()), sizes

    def test_leave_the_named_customer_out_of_the_named_campaign(self):
        enrollments = CampaignEnrollment.objects.filter(customer__public_id="cust_123")

        assert not enrollments.filter(campaign__public_id="camp_123").exists()
        assert not enrollments.filter(ended_at__isnull=True).exists()

    def test_hold_no_finished_onboarding_in_the_yellow_zone(self):
        assert not CampaignEnrollment.objects.filter(
            sequence=SequenceCode.ONBOARDING_NURTURE, zone_at_start="yellow"
        ).exists()

    def test_measure_nothing_that_a_snapshot_could_contradict(self):
        measured = CampaignEnrollment.objects.filter(health_after__isnull=False)
        span = timedelta(days=PARAMETERS.measure_after_days)

        last = max((row.started_at + span).date() for row in measured)
        assert last < DAYS[0] - timedelta(days=180)

    def test_lie_in_the_past(self):
        midnight = datetime.combine(DAYS[0], time(), UTC)
        assert not CampaignEnrollment.objects.filter(started_at__gt=midnight).exists()
        assert not Message.objects.filter(sent_at__gt=midnight).exists()
        assert not EngagementEvent.objects.filter(occurred_at__gt=midnight).exists()
        assert not RevenueEvent.objects.filter(closed_at__gt=midnight).exists()

    def test_never_enroll_a_customer_twice_in_a_sequence_at_a_time(self):
        rows = CampaignEnrollment.objects.order_by("customer", "sequence", "started_at")
        for earlier, later in pairwise(rows):
            if (earlier.customer_id, earlier.sequence) == (later.customer_id, later.sequence):
                assert earlier.ended_at is not None
                assert earlier.ended_at <= later.started_at

    def test_give_null_correlations_where_there_is_too_little(self, client_with):
        with noon(DAYS[0]):
            api = client_with("cs-marketing.read")
            reasons = {
                name: api.read(f"/marketing/performance/{name}?explain=true").json()
                for name in ("camp_109", "camp_110", "camp_111")
            }

        assert all(body["health_correlation"] is None for body in reasons.values())
        assert "younger than 30 days" in str(reasons["camp_109"]["explanation"]["reasons"])
        assert "only 0 of at least 10" in str(reasons["camp_111"]["explanation"]["reasons"])


def test_the_same_day_and_seed_give_the_same_facts(db):
    told = []
    for random_seed in (1, 1, 2):
        with transaction.atomic():
            seed(DAYS[0], random_seed)
            told.append(
                list(
                    CampaignEnrollment.objects.order_by("pk").values_list(
                        "campaign__public_id", "customer__public_id", "started_at", "health_after"
                    )
                )
            )
            transaction.set_rollback(True)

    assert told[0] == told[1] != told[2]
