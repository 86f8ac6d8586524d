"""Each serializer says of each of its members what the audit trail may keep."""

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework import serializers

from cs_integrations.api.schema import ANSWER_SHAPE, OPERATION_ID
from cs_integrations.api.serializers import AnswerOut, StrictSerializer
from cs_integrations.api.trail import EVERYTHING, DeclaredSerializer, Trail
from cs_integrations.api.viewsets import HubViewSet


def operations(patterns=None):
    """Yield name, view and answer's serializer of every API operation that a route leads to."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from operations(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "cls", None)
            if isinstance(view, type) and issubclass(view, HubViewSet):
                for handler in (getattr(view, name) for name in pattern.callback.actions.values()):
                    yield getattr(handler, OPERATION_ID), view, getattr(handler, ANSWER_SHAPE)


def test_every_answer_that_the_trail_keeps_is_of_a_declared_serializer():
    kept = {name: shape for name, view, shape in operations() if view.keeps_answers}

    assert {"marketing_trigger", "operations_capacity"} <= kept.keys()
    assert "audit_record" not in kept
    for name, shape in kept.items():
        assert issubclass(shape, DeclaredSerializer), name


class TestAClassDoesNotImport:
    def test_that_forgets_a_member(self):
        with pytest.raises(TypeError, match=r"NoteIn\.trail: remark is not declared"):

            class NoteIn(StrictSerializer):
                topic = serializers.CharField()
                remark = serializers.CharField()

                trail = Trail(plain=("topic",))

    def test_that_declares_nothing(self):
        with pytest.raises(TypeError, match="topic is not declared"):

            class NoteIn(StrictSerializer):
                topic = serializers.CharField()

    def test_that_names_an_unknown_member(self):
        with pytest.raises(TypeError, match="topics is declared and no member"):

            class NoteIn(StrictSerializer):
                topic = serializers.CharField()

                trail = Trail(plain=("topic",), dropped=("topics",))

    def test_that_names_a_member_twice(self):
        with pytest.raises(TypeError, match="topic is declared twice"):

            class NoteIn(StrictSerializer):
                topic = serializers.CharField()

                trail = Trail(plain=("topic",), hashed=("topic",))

    def test_whose_varying_member_is_unknown(self):
        with pytest.raises(TypeError, match="number is declared and no member"):

            class NoteOut(AnswerOut):
                topic = serializers.CharField()

                trail = Trail(plain=("topic",), varying=("number",))

    @pytest.mark.parametrize("many", [False, True])
    def test_whose_plain_member_holds_undeclared_ones(self, many):
        class Line(serializers.Serializer):
            text = serializers.CharField()

        with pytest.raises(TypeError, match="lines is plain, but its members are not declared"):

            class NoteIn(StrictSerializer):
                lines = Line(many=many)

                trail = Trail(plain=("lines",))


def test_a_declaration_of_the_base_stands_until_it_is_replaced():
    class NoteOut(AnswerOut):
        topic = serializers.CharField()

        trail = Trail(plain=("topic",))

    class OpenNoteOut(NoteOut):
        trail = Trail(plain=("explanation",))

    assert NoteOut.trail == Trail(plain=("topic",), hashed=("explanation",))
    assert OpenNoteOut.trail == Trail(plain=("explanation", "topic"))


def test_a_class_may_drop_everything_it_has_and_will_have():
    class NoteOut(AnswerOut):
        topic = serializers.CharField()

        trail = Trail(dropped=EVERYTHING)

    assert not {"topic", "explanation"} & {*NoteOut.trail.plain, *NoteOut.trail.hashed}


def test_only_numbers_from_a_sequence_vary():
    varying = {
        name: shape.trail.varying
        for name, view, shape in operations()
        if view.keeps_answers and shape.trail.varying
    }

    assert varying == {"product_feedback_submit": ("ticket_id",)}
