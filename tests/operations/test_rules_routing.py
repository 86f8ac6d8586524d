"""What a workflow accepts and who takes it, as docs/rules/operations.md tells it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations import rules
from operations.rules import (
    Candidate,
    Fault,
    Priority,
    Seniority,
)

SCHEMA = {
    "channel": {"type": "string", "enum": ["call", "mail"], "default": "call"},
    "note": {"type": "string", "max_length": 5},
    "discount": {"type": "number", "minimum": 0, "maximum": 99.5},
    "seats": {"type": "integer", "required": True},
    "urgent": {"type": "boolean"},
}


def checked(**given: object) -> rules.CheckedParameters:
    return rules.check_parameters(given=given, schema=SCHEMA, default_tier=2)


class TestParameters:
    def test_the_tier_is_the_workflows_own_unless_one_is_sent(self) -> None:
        assert checked(seats=1).tier == 2
        assert checked(seats=1, escalation_tier=3).tier == 3

    def test_defaults_are_filled_in_and_the_tier_stands_apart(self) -> None:
        found = checked(seats=2.0, discount=Decimal("9.5"), escalation_tier=1)

        assert found.values == {"channel": "call", "seats": 2, "discount": 9.5}
        assert isinstance(found.values["seats"], int)

    @pytest.mark.parametrize(
        ("name", "value", "rule", "reason"),
        [
            ("escalation_tier", 0, Fault.RANGE, "under the lowest tier"),
            ("escalation_tier", 5, Fault.RANGE, "over the highest tier"),
            ("escalation_tier", "2", Fault.NOT_WHOLE, "a text is no number"),
            ("escalation_tier", True, Fault.NOT_WHOLE, "true is no number"),
            ("escalation_tier", 2.5, Fault.NOT_WHOLE, "half a tier"),
            ("escalation_tier", None, Fault.NOT_WHOLE, "null is no tier"),
            ("escalation_tier", 10**400, Fault.RANGE, "larger than any float"),
            ("channel", "fax", Fault.CHOICE, "not declared"),
            ("channel", ["call"], Fault.NOT_TEXT, "a list"),
            ("note", "abcdef", Fault.LENGTH, "six of five characters"),
            ("note", "a\0", Fault.TEXT, "a database cannot hold NUL"),
            ("note", "\ud800", Fault.TEXT, "half a character"),
            ("discount", float("nan"), Fault.NOT_A_NUMBER, "no number at all"),
            ("discount", -0.1, Fault.RANGE, "under its minimum"),
            ("discount", Decimal("99.6"), Fault.RANGE, "over its maximum"),
            ("urgent", 1, Fault.NOT_A_BOOLEAN, "one is not true"),
            ("a/b~c", 1, Fault.UNKNOWN, "no such parameter"),
        ],
    )
    def test_it_refuses(self, name: str, value: object, rule: Fault, reason: str) -> None:
        (fault,) = checked(seats=1, **{name: value}).faults

        assert fault.rule is rule, reason
        assert fault.pointer == f"/parameters/{name.replace('~', '~0').replace('a/', 'a~1')}"

    def test_every_fault_is_told_and_the_missing_come_last(self) -> None:
        faults = checked(nonsense=1, urgent="yes").faults

        assert [fault.rule for fault in faults] == [
            Fault.UNKNOWN,
            Fault.NOT_A_BOOLEAN,
            Fault.REQUIRED,
        ]

    @pytest.mark.parametrize(
        "declaration",
        [
            "string",
            {},
            {"type": "date"},
            {"type": "string", "pattern": "x"},
            {"type": "number", "minimum": "low"},
            {"type": "string", "enum": "call"},
            {"type": "integer", "maximum": 3, "default": 4},
            {"type": ["string"]},
            {"type": "string", "max_length": "5"},
            {"type": "string", "max_length": 0},
            {"type": "string", "max_length": True},
            {"type": "integer", "minimum": "NaN"},
            {"type": "number", "maximum": float("nan")},
            {"type": "number", "maximum": float("inf")},
            {"type": "integer", "minimum": "5"},
            {"type": "boolean", "required": "yes"},
            {"type": "string", "enum": [["call"]]},
            {"type": "integer", "enum": ["1"]},
        ],
    )
    def test_a_schema_must_declare_parameters(self, declaration: object) -> None:
        with pytest.raises(ValueError, match=r"^seats: "):
            rules.declarations(schema={"seats": declaration})

    @pytest.mark.parametrize("schema", [[], None, "channel", 5])
    def test_parameters_are_declared_in_an_object(self, schema: object) -> None:
        with pytest.raises(ValueError, match="in an object"):
            rules.declarations(schema=schema)

    def test_the_tier_is_never_declared(self) -> None:
        with pytest.raises(ValueError, match="escalation_tier"):
            rules.declarations(schema={"escalation_tier": {"type": "integer"}})

    @given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.floats()))
    def test_the_answer_is_faults_or_values_for_anything_sent(
        self, sent: dict[str, object]
    ) -> None:
        found = rules.check_parameters(given=sent, schema=SCHEMA, default_tier=2)

        assert bool(found.faults) is not bool(found.values)


ANNA = Candidate(
    code="anna",
    seniority=Seniority.SENIOR,
    is_active=True,
    is_absent=False,
    open_executions=8,
    skill_levels={"enterprise_complexity": 5},
    segment_finished=10,
    segment_completed=9,
)
BEN = replace(ANNA, code="ben", seniority=Seniority.MANAGER, skill_levels={}, open_executions=0)
NEEDS = {"enterprise_complexity": Decimal(1)}
CALM = rules.customer_urgency(
    score=Decimal(85), highest_score=Decimal(85), has_executive_sponsor=True
)
CRITICAL = rules.customer_urgency(
    score=Decimal(45), highest_score=Decimal(70), has_executive_sponsor=True
)


def routed(
    *candidates: Candidate,
    urgency: rules.Urgency = CALM,
    needs: dict[str, Decimal] = NEEDS,
) -> rules.Routing:
    return rules.route_execution(urgency=urgency, candidates=candidates, needs=needs)


class TestRouting:
    @pytest.mark.parametrize(
        ("score", "highest", "sponsor", "priority", "reason"),
        [
            (45, 70, True, Priority.CRITICAL, "ITP T5.2: critical drop, executive sponsor"),
            (59, 59, True, Priority.CRITICAL, "red without a drop"),
            (70, 91, True, Priority.CRITICAL, "fell by 21 while yellow"),
            (70, 90, True, Priority.NORMAL, "20 points are not more than 20"),
            (59, 59, False, Priority.HIGH, "red, no sponsor"),
            (60, 60, True, Priority.NORMAL, "60 is yellow"),
            (90, None, True, Priority.NORMAL, "no history, nothing fell"),
            (None, None, True, Priority.NORMAL, "health unknown"),
        ],
    )
    def test_priority(
        self, score: int | None, highest: int | None, sponsor: bool, priority: Priority, reason: str
    ) -> None:
        found = rules.customer_urgency(
            score=None if score is None else Decimal(score),
            highest_score=None if highest is None else Decimal(highest),
            has_executive_sponsor=sponsor,
        )

        assert found.priority is priority, reason
        assert found.reasons or priority is Priority.NORMAL

    @pytest.mark.parametrize(
        ("change", "free"),
        [
            ({}, True),
            ({"open_executions": 9}, True),
            ({"open_executions": 10}, False),
            ({"is_absent": True}, False),
            ({"is_active": False}, False),
        ],
    )
    def test_who_is_free(self, change: dict[str, Any], free: bool) -> None:
        assert rules.is_free(candidate=replace(ANNA, **change)) is free

    def test_the_score_weighs_skill_capacity_and_success(self) -> None:
        found = routed(ANNA, BEN)

        assert [score.total for score in found.scores] == [Decimal("0.74"), Decimal("0.48")]
        assert found.csm_code == "anna"

    def test_without_past_executions_the_other_parts_are_renormalized(self) -> None:
        newcomer = replace(ANNA, segment_finished=0, segment_completed=0)

        found = rules.candidate_fit(candidate=newcomer, needs=NEEDS)

        assert found.past_success is None
        assert found.total == Decimal("0.56") / Decimal("0.8")

    @pytest.mark.parametrize(
        ("levels", "cover", "reason"),
        [
            ({"a": 3, "b": 3}, Decimal(1), "level 3 is mastery"),
            ({"a": 5, "b": 2}, Decimal("0.75"), "b is only known"),
            ({}, Decimal(0), "nothing is mastered"),
        ],
    )
    def test_skill_cover_is_the_mastered_share_of_the_needed_hours(
        self, levels: dict[str, int], cover: Decimal, reason: str
    ) -> None:
        needs = {"a": Decimal("0.6"), "b": Decimal("0.2")}
        candidate = replace(ANNA, skill_levels=levels)
        assert rules.candidate_fit(candidate=candidate, needs=needs).skill_cover == cover, reason
        assert rules.candidate_fit(candidate=candidate, needs={}).skill_cover == 1

    def test_a_critical_execution_goes_to_a_senior(self) -> None:
        assert routed(ANNA, BEN, urgency=CRITICAL, needs={}).csm_code == "anna"
        assert routed(ANNA, BEN, needs={}).csm_code == "ben"

    def test_a_critical_execution_does_not_wait_for_a_senior(self) -> None:
        found = routed(replace(ANNA, is_absent=True), BEN, urgency=CRITICAL)

        assert found.csm_code == "ben"
        assert "No senior CSM is free" in found.reasons[-1]

    @pytest.mark.parametrize("candidates", [(), (replace(BEN, open_executions=10),)])
    def test_nobody_is_free(self, candidates: tuple[Candidate, ...]) -> None:
        assert routed(*candidates).csm_code is None
        assert routed(*candidates).reasons == ("No CSM is free.",)

    def test_a_tie_goes_to_the_accounts_own_lead_then_by_code(self) -> None:
        twin = replace(BEN, code="zoe")

        assert routed(twin, BEN).csm_code == "ben"
        assert routed(replace(twin, leads_account=True), BEN).csm_code == "zoe"

    @given(opened=st.integers(0, 9), more=st.integers(0, 9), won=st.integers(0, 10))
    def test_the_score_is_a_share_and_falls_with_load(
        self, opened: int, more: int, won: int
    ) -> None:
        busy = [
            rules.candidate_fit(
                candidate=replace(BEN, open_executions=n, segment_completed=won), needs=NEEDS
            ).total
            for n in (opened, opened + more)
        ]

        assert 0 <= busy[1] <= busy[0] <= 1
