"""What the trail keeps of bodies: what the serializers declare, and nothing else."""

from decimal import Decimal

import pytest
from rest_framework import serializers

from audit import keys
from audit.bodies import redacted, redacted_problem
from audit.models import AuditBody
from cs_integrations.api.serializers import (
    AnswerOut,
    CodeField,
    NumberField,
    StrictListField,
    StrictSerializer,
    TextField,
)
from cs_integrations.api.trail import DeclaredSerializer, Trail
from tests.clients import API, HubClient, kept_of
from tests.forecasts import FORECAST, customer_with_contract


class LineIn(StrictSerializer):
    amount = NumberField(low=Decimal(0), high=Decimal(100))
    text = TextField()

    trail = Trail(plain=("amount",), dropped=("text",))


class NoteIn(StrictSerializer):
    topic = CodeField(codes=("price", "use"))
    scores = StrictListField(child=NumberField(low=Decimal(0), high=Decimal(1)))
    author = TextField()
    remark = TextField()
    line = LineIn()
    lines = LineIn(many=True)
    listed = StrictListField(child=LineIn())
    labels = serializers.DictField(child=TextField())

    trail = Trail(
        plain=("topic", "scores", "line", "lines", "listed", "labels"),
        hashed=("author",),
        dropped=("remark",),
    )


def kept(**members):
    return redacted(NoteIn, members, digest=keys.keyed_digest)


def is_digest(value):
    return isinstance(value, str) and value.startswith("sha256:") and len(value) > 32


class TestAMember:
    def test_that_is_plain_is_kept_as_it_was_sent(self):
        assert kept(topic="use", scores=[Decimal("0.25"), 1]) == {
            "topic": "use",
            "scores": [0.25, 1],
        }

    def test_that_is_hashed_shows_only_whether_it_is_equal(self):
        alice, again, bob = (kept(author=name)["author"] for name in ("Alice", "Alice", "Bob"))

        assert is_digest(alice)
        assert alice == again != bob

    def test_that_is_dropped_leaves_nothing(self):
        assert kept(remark="She is leaving.") == {}

    def test_that_nobody_declared_leaves_nothing(self):
        assert kept(password="hunter2") == {}

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("topic", "my password is hunter2"),
            ("topic", None),
            ("topic", ["price"]),
            ("scores", [0, "hunter2"]),
            ("scores", {"hunter2": 1}),
            ("labels", ["hunter2"]),
        ],
    )
    def test_that_is_plain_but_not_what_was_declared_is_hashed(self, name, value):
        assert is_digest(kept(**{name: value})[name])

    def test_that_is_a_mapping_of_free_names_is_kept_whole(self):
        assert kept(labels={"a": "b"}) == {"labels": {"a": "b"}}


class TestMembersInside:
    @pytest.mark.parametrize("name", ["lines", "listed"])
    def test_of_a_list_are_each_kept_as_declared(self, name):
        line = {"amount": 5, "text": "secret", "hunter2": "x"}

        assert kept(**{name: [line, {"amount": 500}]})[name][0] == {"amount": 5}
        assert is_digest(kept(**{name: [{"amount": 500}]})[name][0]["amount"])

    def test_of_an_object_are_kept_as_declared(self):
        assert kept(line={"amount": 5, "text": "secret"}) == {"line": {"amount": 5}}

    @pytest.mark.parametrize("name", ["line", "lines", "listed"])
    def test_are_not_looked_for_in_anything_else(self, name):
        assert is_digest(kept(**{name: "hunter2"})[name])
        assert kept(**{name: None})[name] is None
        assert all(is_digest(item) for item in kept(**{name: ["hunter2"]})[name])


def test_a_digest_does_not_depend_on_the_order_of_members_or_the_form_of_numbers():
    first = kept(author={"a": Decimal("1.0"), "b": 2})
    second = kept(author={"b": 2, "a": 1})

    assert first == second


class TestAnAnswer:
    class NoteOut(AnswerOut):
        at = serializers.DateTimeField(allow_null=True)
        title = serializers.CharField()

        trail = Trail(plain=("at",), hashed=("title",))

    def test_is_our_own_and_kept_as_it_was_sent(self):
        answer = {"at": "2026-06-15T12:00:00+00:00", "explanation": {"inputs": {"name": "Ann"}}}

        form = redacted(self.NoteOut, answer, digest=keys.keyed_digest)

        assert form["at"] == answer["at"]
        assert is_digest(form["explanation"])

    def test_of_an_undeclared_serializer_leaves_nothing(self):
        class FormOut(serializers.Serializer):
            token = serializers.CharField()

        assert redacted(FormOut, {"token": "x"}, digest=keys.keyed_digest) == {}


def test_a_problem_keeps_what_it_is_and_none_of_its_words():
    form = redacted_problem({
        "type": "https://api.example.com/errors/validation-error",
        "title": "Invalid request",
        "detail": "/hunter2: Unknown member.",
        "instance": "/v1/cs-integrations/product/feedback",
        "status": 400,
        "request_id": "019a8d2e-7c00-7000-8000-000000000000",
        "required_scope": "cs-product.write",
        "errors": [
            {"pointer": "/hunter2", "rule": "unknown_member", "detail": "Unknown member."},
            {"parameter": "hunter2", "rule": "unknown", "detail": "Unknown query parameter."},
        ],
    })  # fmt: skip

    assert form == {
        "type": "https://api.example.com/errors/validation-error",
        "status": 400,
        "required_scope": "cs-product.write",
        "errors": [{"rule": "unknown_member"}, {"rule": "unknown"}],
    }


def test_every_declared_serializer_can_be_redacted():
    def known(base):
        for shape in base.__subclasses__():
            yield shape
            yield from known(shape)

    for shape in known(DeclaredSerializer):
        if shape.__module__.startswith("tests."):
            continue  # some of them are made to be wrong
        members = dict.fromkeys([*shape().fields, "canary"], "canary")
        form = redacted(shape, members, digest=keys.keyed_digest)
        assert set(form) == {*shape.trail.plain, *shape.trail.hashed}, shape


@pytest.mark.django_db
class TestOverTheApi:
    PATH = "/finance/forecast/"

    @pytest.fixture
    def path(self):
        return f"{self.PATH}{customer_with_contract().public_id}"

    def test_a_served_request_and_its_answer_are_kept(self, api, path):
        response = api.send(path, FORECAST)

        request, answer = kept_of(response)
        assert request["renewal_probability"] == FORECAST["renewal_probability"]
        assert request["scenarios"] == FORECAST["scenarios"]
        assert answer == {
            "headers": {"Content-Type": "application/json", "Location": response["Location"]},
            "body": response.json(),
        }

    def test_a_repeat_says_that_it_is_one(self, api, path):
        api.send(path, FORECAST)

        _, answer = kept_of(api.send(path, FORECAST))

        assert answer["headers"]["Idempotent-Replayed"] == "true"

    def test_a_stored_answer_is_kept_again(self, api, path):
        first = api.send(path, FORECAST, **{"Idempotency-Key": "once"})

        second = api.send(path, FORECAST, **{"Idempotency-Key": "once"})

        assert kept_of(second)[1]["body"] == kept_of(first)[1]["body"] == first.json()

    def test_a_refused_request_is_described(self, api, path):
        response = api.send(path, {**FORECAST, "renewal_probability": "hunter2", "pin": 1234})

        request, answer = kept_of(response)
        assert is_digest(request["renewal_probability"])
        assert "pin" not in request
        assert answer["body"] == {
            "type": response.json()["type"],
            "status": 400,
            "errors": [{"rule": "unknown_member"}, {"rule": "not_a_number"}],
        }

    def test_a_refused_caller_learns_which_scope_is_missing(self, client_with, path):
        _, answer = kept_of(client_with("cs-sales.read").read(path))

        assert answer["body"]["required_scope"] == "cs-finance.read"

    def test_an_unknown_caller_is_told_how_to_become_known(self, path):
        _, answer = kept_of(HubClient().read(path))

        assert answer["body"]["status"] == 401
        assert answer["headers"]["WWW-Authenticate"].startswith("Bearer ")

    def test_a_wrong_method_names_the_right_ones(self, api, path):
        _, answer = kept_of(api.delete(API + path))

        assert answer["headers"]["Allow"] == "GET, HEAD, POST"

    def test_the_answer_to_a_head_has_headers_only(self, api, path):
        api.send(path, FORECAST)

        _, answer = kept_of(api.head(API + path))

        assert answer == {"headers": {"Content-Type": "application/json"}, "body": None}

    def test_a_body_that_is_not_json_is_not_described(self, api, path):
        request, answer = kept_of(api.send(path, b'{"evidence": hunter2}'))

        assert request is None
        assert answer["body"]["errors"] == [{"rule": "json"}]

    def test_an_answer_of_the_trail_is_not_kept_again(self, api, path):
        first = api.read(path)["X-Request-ID"]

        response = api.read(f"/audit/{first}")

        assert response.status_code == 200
        row = AuditBody.objects.filter(pk=response["X-Request-ID"]).first()
        assert row is None or not bytes(row.response)

    @pytest.mark.parametrize("path", ["/auth/token", "/admin/login/", "/", "/nowhere"])
    def test_nothing_is_kept_elsewhere(self, path):
        response = HubClient().post(path, {"client_secret": "hunter2", "password": "hunter2"})

        assert not AuditBody.objects.filter(pk=response["X-Request-ID"]).exists()
