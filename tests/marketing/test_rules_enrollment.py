"""Which sequences start, and which trigger is a repeat, read as the specification. No database."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing import rules
from marketing.rules import CampaignKind, Contact, HealthSignal, SequenceCode, StatedRisk
from tests.marketing.rule_facts import ADOPTED, NOON, PROVED, RENEWED, facts, scores

WILLING = Contact(stakeholder_id=1, is_opted_out=False, messages_sent=0)


def plan(choice_facts, *, contacts=(WILLING,), active=None):
    choice = rules.choose_sequences(facts=choice_facts)
    return rules.plan_enrollments(choice=choice, contacts=contacts, active=active or {})


class TestEnrollment:
    OPTED_OUT = Contact(stakeholder_id=2, is_opted_out=True, messages_sent=0)
    TWO_MAILS = Contact(stakeholder_id=3, is_opted_out=False, messages_sent=2)
    THREE_MAILS = Contact(stakeholder_id=4, is_opted_out=False, messages_sent=3)

    @pytest.mark.parametrize(
        ("contacts", "reachable", "reason", "why"),
        [
            ((WILLING,), [1], None, "a willing contact"),
            ((), [], "no_contact", "nobody to write to"),
            ((OPTED_OUT,), [], "opted_out", "opt-out is honored"),
            ((TWO_MAILS,), [3], None, "the next mail is the third of the week"),
            ((THREE_MAILS,), [], "frequency_cap", "the next mail would be the fourth"),
            ((OPTED_OUT, THREE_MAILS), [], "frequency_cap", "the willing one is at the cap"),
            ((OPTED_OUT, THREE_MAILS, WILLING), [1], None, "one reachable contact is enough"),
        ],
    )
    def test_needs_a_contact_who_may_be_written_to(self, contacts, reachable, reason, why):
        result = plan(facts("65"), contacts=contacts)

        assert list(result.reachable) == reachable, why
        if reason is None:
            assert result.started == (SequenceCode.RETENTION_RECOVERY,), why
            assert result.suppressed == (), why
        else:
            assert result.listed == (), why
            assert [item.reason for item in result.suppressed] == [reason], why
            assert result.campaign_kind is None, why
            assert result.reasons[-1] == (
                "campaign_id is null because every fitting sequence is held back."
            )

    def test_reuses_a_running_sequence_and_lists_it(self):
        result = plan(facts("65"), active={SequenceCode.RETENTION_RECOVERY: "camp_9"})

        assert result.listed == (SequenceCode.RETENTION_RECOVERY,)
        assert result.started == ()
        assert result.reused_campaign_id == "camp_9"
        assert result.reasons == ("retention_recovery already runs in camp_9.",)

    def test_reuses_a_running_sequence_even_after_an_opt_out(self):
        result = plan(
            facts("65", milestones=(ADOPTED,)),
            contacts=(self.OPTED_OUT,),
            active={SequenceCode.RETENTION_RECOVERY: "camp_9"},
        )

        assert result.listed == (SequenceCode.RETENTION_RECOVERY,)
        assert [item.sequence for item in result.suppressed] == [SequenceCode.ONBOARDING_NURTURE]

    def test_starts_a_campaign_for_what_does_not_run_yet(self):
        result = plan(
            facts("65", milestones=(ADOPTED,)),
            active={SequenceCode.RETENTION_RECOVERY: "camp_9"},
        )

        assert result.listed == (
            SequenceCode.RETENTION_RECOVERY,
            SequenceCode.ONBOARDING_NURTURE,
        )
        assert result.started == (SequenceCode.ONBOARDING_NURTURE,)
        assert result.campaign_kind is CampaignKind.LIFECYCLE
        assert result.reused_campaign_id is None, "the new campaign is the answer's"

    def test_leaves_alone_what_runs_and_was_not_chosen(self):
        result = plan(facts("65"), active={SequenceCode.ADVOCACY_INVITE: "camp_9"})

        assert result.reused == ()

    def test_of_nothing_says_that_nothing_fits(self):
        result = plan(facts("85"))

        assert result.listed == ()
        assert result.reasons == ("campaign_id is null because no sequence fits.",)

    @given(
        score=scores,
        milestones=st.lists(st.sampled_from([ADOPTED, RENEWED, PROVED])),
        mails=st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=4),
        running=st.sets(st.sampled_from(SequenceCode)),
    )
    def test_loses_and_doubles_no_sequence(self, score, milestones, mails, running):
        choice = rules.choose_sequences(facts=facts(score, milestones=tuple(milestones)))
        result = rules.plan_enrollments(
            choice=choice,
            contacts=[
                Contact(stakeholder_id=number, is_opted_out=is_out, messages_sent=sent)
                for number, (is_out, sent) in enumerate(mails)
            ],
            active=dict.fromkeys(running, "camp_9"),
        )

        held_back = [item.sequence for item in result.suppressed]
        reused = [item.sequence for item in result.reused]
        assert sorted([*result.started, *reused, *held_back]) == sorted(choice.sequences)
        assert set(result.listed) == {*result.started, *reused}
        assert list(result.listed) == [code for code in choice.sequences if code in result.listed]

    @pytest.mark.parametrize(
        ("age", "runs"),
        [
            (timedelta(0), True),
            (timedelta(days=30, seconds=-1), True),
            (timedelta(days=30), False),
        ],
    )
    def test_runs_thirty_days(self, age, runs):
        assert rules.is_running(started_at=NOON - age, at=NOON) is runs


class TestRepeats:
    @pytest.mark.parametrize(
        ("age", "is_repeat", "why"),
        [
            (timedelta(0), True, "at once"),
            (timedelta(hours=24, microseconds=-1), True, "inside 24 hours"),
            (timedelta(hours=24), False, "24 hours are over"),
            (timedelta(seconds=-1), True, "served second, but the clock was read first"),
        ],
    )
    def test_are_recognized_for_a_day(self, age, is_repeat, why):
        assert rules.is_natural_repeat(first_at=NOON - age, at=NOON) is is_repeat, why

    @pytest.mark.parametrize(
        ("changes", "is_equal", "why"),
        [
            ({}, True, "the same request"),
            ({"health_score": Decimal("75.00")}, True, "75.00 is 75"),
            ({"milestones": ("users_trained", "adoption_complete")}, True, "a set has no order"),
            ({"health_score": Decimal("75.01")}, False, "another score"),
            ({"stated": None}, False, "the category left out"),
            ({"stated": StatedRisk.LOW}, False, "another word"),
            ({"milestones": ("adoption_complete",)}, False, "a milestone less"),
        ],
    )
    def test_have_an_equal_fingerprint(self, changes, is_equal, why):
        signal = HealthSignal(
            health_score=Decimal(75),
            stated=StatedRisk.MONITOR,
            milestones=("adoption_complete", "users_trained"),
        )

        first = rules.request_fingerprint(signal=signal)
        second = rules.request_fingerprint(signal=replace(signal, **changes))

        assert (first == second) is is_equal, why
        assert len(first) == 64

    @pytest.mark.parametrize("score", ["0", "80", "100"])
    def test_see_through_trailing_zeros(self, score):
        short, padded = (HealthSignal(health_score=Decimal(score + end)) for end in ("", ".00"))

        assert rules.request_fingerprint(signal=short) == rules.request_fingerprint(signal=padded)
