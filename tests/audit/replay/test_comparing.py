"""Comparing: what counts as a difference between the answer of then and that of now."""

import json

import pytest
from rest_framework import serializers

from audit.envelopes import Envelope
from audit.replay.comparing import MAX_DIFFERENCES, Answer, answer_shape, differences
from audit.replay.renaming import Renames
from cs_integrations.api.serializers import AnswerOut
from cs_integrations.api.trail import DeclaredSerializer, Trail
from finance.serializers import RealizationOut


class StepOut(DeclaredSerializer):
    name = serializers.CharField()
    token = serializers.CharField()

    trail = Trail(plain=("name", "token"), varying=("token",))


class PlanOut(AnswerOut):
    plan_id = serializers.CharField()
    number = serializers.CharField()
    steps = StepOut(many=True)

    trail = Trail(plain=("plan_id", "number", "steps"), varying=("number",))


class PlainOut(AnswerOut):
    total = serializers.IntegerField()

    trail = Trail(plain=("total",))


NOT_KEPT = object()


def answer(body=NOT_KEPT, *, headers=None, status=200, problem_type="", sha256=b"a", mac_key="k1"):
    kept = {"headers": headers or {}, "body": body}
    form = b"" if body is NOT_KEPT else json.dumps(kept).encode()
    return Answer(
        status=status, problem_type=problem_type, form=form, sha256=sha256, mac_key=mac_key
    )


def found(then, now, *, shape=PlainOut, **options):
    return [
        (one.place, one.then, one.now) for one in differences(then, now, shape=shape, **options)
    ]


class TestEqualAnswers:
    @pytest.mark.parametrize("body", [{}, {"total": None}, {"a": [1, {"b": "c"}]}])
    def test_do_not_differ(self, body):
        assert found(answer(body), answer(body)) == []


class TestADifference:
    @pytest.mark.parametrize(
        ("then", "now", "difference"),
        [
            ({"a": 1}, {"a": 2}, ("/a", "1", "2")),
            ({"a": 1}, {"a": 1.0}, ("/a", "1", "1.0")),
            ({"a": 1}, {"a": True}, ("/a", "1", "true")),
            ({"a": None}, {}, ("/a", "null", "")),
            ({}, {"a": None}, ("/a", "", "null")),
            ({"a": {"b": "x"}}, {"a": {"b": "y"}}, ("/a/b", '"x"', '"y"')),
            ({"a": [1, 2]}, {"a": [1]}, ("/a/1", "2", "")),
            ({"a": []}, {"a": {}}, ("/a", "[]", "{}")),
            (None, {"a": 1}, ("body", "null", '{"a": 1}')),
            ({"a/b": 1}, {"a/b": 2}, ("/a~1b", "1", "2")),
            ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ("body order", '["a", "b"]', '["b", "a"]')),
        ],
    )
    def test_of_a_body_is_named_by_its_pointer(self, then, now, difference):
        assert found(answer(then), answer(now)) == [difference]

    def test_of_status_and_problem_type_is_named(self):
        then, now = answer({}), answer({}, status=404, problem_type="not-found")

        assert found(then, now) == [
            ("status", "200", "404"),
            ("problem type", '""', '"not-found"'),
        ]

    def test_of_a_header_is_named(self):
        then = answer({}, headers={"Location": "/a", "Content-Type": "application/json"})
        now = answer({}, headers={"Content-Type": "application/json"})

        assert found(then, now) == [("header Location", '"/a"', "")]

    def test_is_shown_in_part_when_it_is_long(self):
        ((_place, then, _now),) = found(answer({"a": "x" * 5000}), answer({"a": "y"}))

        assert len(then) == 200
        assert then.endswith("…")

    def test_is_one_of_fifty_at_most(self):
        then = answer({str(number): 1 for number in range(500)})

        assert len(found(then, answer({}))) == MAX_DIFFERENCES


class TestWhatIsNotCompared:
    def test_is_a_member_that_is_declared_as_varying(self):
        then = {"number": "PROD-1", "steps": [{"name": "a", "token": "x"}]}
        now = {"number": "PROD-2", "steps": [{"name": "a", "token": "y"}]}

        assert found(answer(then), answer(now), shape=PlanOut) == []

    def test_but_that_it_is_missing_counts(self):
        assert found(answer({"number": "1"}), answer({}), shape=PlanOut) == [("/number", '"1"', "")]

    @pytest.mark.parametrize("pointer", ["/a", "/a/b", "/a/*", "/*/b"])
    def test_is_what_a_pointer_names_and_all_below(self, pointer):
        assert (
            found(answer({"a": {"b": 1}}), answer({"a": {"b": 2}}), ignore=frozenset({pointer}))
            == []
        )

    @pytest.mark.parametrize("pointer", ["/b", "/a/b/c", "/a/c", "/aa"])
    def test_but_nothing_beside_it(self, pointer):
        then, now = answer({"a": {"b": 1}}), answer({"a": {"b": 2}})

        assert found(then, now, ignore=frozenset({pointer}))

    def test_is_a_digest_under_another_key(self):
        then, now = {"text": "sha256:aa"}, {"text": "sha256:bb"}

        assert found(answer(then), answer(now)) == [("/text", '"sha256:aa"', '"sha256:bb"')]
        assert found(answer(then), answer(now, mac_key="k2")) == []
        assert found(answer(then), answer({"text": "plain"}, mac_key="k2")) != []


class TestABodyThatWasNotKept:
    def test_is_compared_by_its_hash(self):
        assert found(answer(), answer({}, sha256=b"a")) == []
        assert found(answer(), answer({}, sha256=b"b")) == [("body hash", '"61"', '"62"')]

    @pytest.mark.parametrize(
        ("then", "options"),
        [
            (answer(), {"shape": PlanOut}),
            (answer(), {"ignore": frozenset({"/a"})}),
            (answer(status=404), {}),  # a problem names its request
        ],
        ids=["members vary", "members are ignored", "a problem"],
    )
    def test_but_not_where_equal_answers_differ_in_it(self, then, options):
        assert found(then, answer({}, status=then.status, sha256=b"b"), **options) == []


class TestIdsThatCameOutDifferently:
    REQUEST = Envelope(
        target="/v1/plans/cust_1", content_type="", accept="", idempotency_key="", body=b""
    )

    def learned(self, then, now, *names):
        renames = Renames()
        renames.learn(answer(then).form, answer(now).form, names=names, request=self.REQUEST)
        return renames

    def test_are_equal_from_then_on(self):
        renames = self.learned({"plan_id": "camp_a"}, {"plan_id": "camp_b"}, "plan_id")
        then = answer({"plan_id": "camp_a"}, headers={"Location": "/v1/plans/camp_a"})
        now = answer({"plan_id": "camp_b"}, headers={"Location": "/v1/plans/camp_b"})

        assert found(then, now, renames=renames) == []
        assert found(now, then, renames=renames) != []

    def test_are_sent_in_path_and_body(self):
        renames = self.learned({"n": "PROD-1"}, {"n": "PROD-9"}, "n")
        request = Envelope(
            target="/v1/tickets/PROD-1?explain=true",
            content_type="",
            accept="",
            idempotency_key="PROD-1",
            body=b'{"ticket": "PROD-1", "other": "PROD-12"}',
        )

        sent = renames.sent(request)

        assert sent.target == "/v1/tickets/PROD-9?explain=true"
        assert sent.body == b'{"ticket": "PROD-9", "other": "PROD-12"}'
        assert sent.idempotency_key == "PROD-1"

    def test_are_not_those_that_the_request_named(self):
        renames = self.learned({"customer_id": "cust_1"}, {"customer_id": "cust_2"}, "customer_id")

        assert not renames

    def test_are_not_those_of_other_members(self):
        assert not self.learned({"plan_id": "camp_a"}, {"plan_id": "camp_b"}, "forecast_id")


class TestTheShapeOfAnAnswer:
    def test_is_the_operations_own(self):
        path = "/v1/cs-integrations/finance/realization/ctr_1"

        assert answer_shape("GET", path) is RealizationOut
        assert answer_shape("DELETE", path) is None
        assert answer_shape("GET", "/nowhere") is None
        assert answer_shape("GET", "/healthz") is None
