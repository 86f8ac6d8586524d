"""Enrollments end when they have run their time, and are measured when health is known."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.management import call_command

from marketing.actions import settle_enrollments
from marketing.models import Campaign
from tests.factories import NOON, TODAY, HealthSnapshotFactory
from tests.marketing.factories import CampaignEnrollmentFactory, TriggerEventFactory

pytestmark = pytest.mark.django_db


def enrolled(days_ago, **facts):
    return CampaignEnrollmentFactory(campaign__started_at=NOON - timedelta(days=days_ago), **facts)


@pytest.mark.parametrize(("days_ago", "has_ended"), [(29, False), (30, True), (45, True)])
def test_an_enrollment_runs_thirty_days(days_ago, has_ended):
    enrollment = enrolled(days_ago)

    settle_enrollments(at=NOON)

    enrollment.refresh_from_db()
    ended_at = enrollment.started_at + timedelta(days=30) if has_ended else None
    assert enrollment.ended_at == ended_at


@pytest.mark.parametrize(
    ("days_off", "is_measured"), [(-3, True), (0, True), (3, True), (4, False)]
)
def test_the_nearest_score_of_three_days_measures_it(days_off, is_measured):
    enrollment = enrolled(40)
    HealthSnapshotFactory(
        customer=enrollment.customer,
        score=Decimal(81),
        measured_date=TODAY - timedelta(days=10 - days_off),
    )

    assert settle_enrollments(at=NOON) == int(is_measured)

    enrollment.refresh_from_db()
    assert enrollment.health_after == (81 if is_measured else None)


def test_what_was_measured_stays():
    enrollment = enrolled(40, finished=True, health_after=Decimal(77))
    HealthSnapshotFactory(customer=enrollment.customer, measured_date=TODAY - timedelta(days=10))

    assert settle_enrollments(at=NOON) == 0


def test_a_triggers_campaign_is_completed_with_its_last_enrollment():
    ended, half = enrolled(31), enrolled(31)
    of_people = enrolled(31)
    for enrollment in (ended, half):
        TriggerEventFactory(customer=enrollment.customer, campaign=enrollment.campaign)
    CampaignEnrollmentFactory(campaign=half.campaign, started_at=NOON - timedelta(days=2))

    settle_enrollments(at=NOON)

    assert Campaign.objects.get(status="completed") == ended.campaign
    assert set(Campaign.objects.filter(status="active")) == {half.campaign, of_people.campaign}


def test_the_command_settles_all(capsys):
    enrollments = [enrolled(31), enrolled(32)]

    with time_machine.travel(NOON, tick=False):
        call_command("settle_enrollments")

    assert "Measured 0 enrollments." in capsys.readouterr().out
    for enrollment in enrollments:
        enrollment.refresh_from_db()
        assert enrollment.ended_at is not None
