"""What a JSON body may be: one meaning per text, nothing the database cannot hold.

Every refusal is a problem that names the member and the rule, and leaves nothing behind but
its audit record.
"""

import json
from decimal import Decimal
from io import BytesIO

import pytest

from cs_integrations.api.parsing import MAX_DEPTH, StrictJSONParser
from cs_integrations.customers.models import Customer
from finance.models import ForecastAdjustment
from tests.clients import API, problem_of, record_of
from tests.forecasts import FORECAST, customer_with_contract

KB = 1024
LIMIT = 256 * KB
SOUND = json.dumps(FORECAST)


@pytest.fixture
def path(db):
    return f"/finance/forecast/{customer_with_contract().public_id}"


@pytest.fixture
def refusal(api, path):
    """Return a sender of a bad body that also sees to it that nothing was kept of it."""

    def send(body: bytes, **headers):
        customers = list(Customer.objects.values_list("pk", "updated_at"))

        response = api.send(path, body, **headers)

        assert response["Content-Type"] == "application/problem+json"
        assert record_of(response).status == response.status_code
        assert ForecastAdjustment.objects.count() == 0
        assert list(Customer.objects.values_list("pk", "updated_at")) == customers
        return response

    return send


def with_member(text: str) -> bytes:
    """Return a sound body but for the member ``evidence``, whose JSON is given."""
    return f'{SOUND[:-1]}, "evidence": {text}}}'.encode()


def with_probability(text: str) -> bytes:
    return SOUND.replace("0.94", text).encode()


class TestABodyIsTaken:
    def test_when_it_is_a_json_object(self, api, path):
        assert api.send(path, SOUND.encode()).status_code == 201

    def test_with_white_space_around_it(self, api, path):
        assert api.send(path, f" \r\n\t{SOUND}\n".encode()).status_code == 201

    def test_with_text_of_any_language(self, api, path):
        assert api.send(path, {**FORECAST, "evidence": "Żółć 🐧"}).status_code == 201

    def test_with_a_surrogate_pair_written_as_escapes(self, api, path):
        assert api.send(path, with_member(r'"\ud83d\udc27"')).status_code == 201

    def test_with_a_media_type_parameter(self, api, path):
        response = api.post(
            API + path, SOUND.encode(), content_type="application/json; charset=utf-8"
        )

        assert response.status_code == 201

    def test_up_to_exactly_256_kb(self, api, path):
        body = SOUND.encode().ljust(LIMIT)

        assert len(body) == 262_144
        assert api.send(path, body).status_code == 201

    def test_nested_to_the_limit(self):
        text = '{"a":' * (MAX_DEPTH - 1) + "{}" + "}" * (MAX_DEPTH - 1)

        assert StrictJSONParser().parse(BytesIO(text.encode()))

    def test_with_numbers_kept_as_they_were_written(self):
        parsed = StrictJSONParser().parse(BytesIO(b'{"a": 0.10, "b": 1e2, "c": 7, "d": -0.0}'))

        assert parsed == {"a": Decimal("0.10"), "b": Decimal(100), "c": 7, "d": Decimal(0)}
        assert str(parsed["a"]) == "0.10"
        assert type(parsed["c"]) is int


class TestNumbers:
    @pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
    def test_that_json_does_not_have_are_refused(self, refusal, text):
        response = refusal(with_probability(text))

        assert problem_of(response) == (
            400, "validation-error", [("/renewal_probability", "number")]
        )  # fmt: skip
        assert text in response.json()["detail"]

    @pytest.mark.parametrize(
        "text",
        [
            "1e999999",
            "-1e999999",
            "1e-999999",
            "1e99999999999999999999",
            "9" * 41,
            "-" + "9" * 10_000,
            "0." + "1" * 10_000,
        ],
    )
    def test_too_long_to_compute_with_are_refused(self, refusal, text):
        response = refusal(with_probability(text))

        assert problem_of(response) == (
            400, "validation-error", [("/renewal_probability", "number")]
        )  # fmt: skip

    @pytest.mark.parametrize("text", ["01", "+1", ".5", "1.", "0x10", "1_000"])
    def test_that_are_not_written_as_json_are_refused(self, refusal, text):
        assert problem_of(refusal(with_probability(text))) == (
            400, "validation-error", [("", "json")]
        )  # fmt: skip

    @pytest.mark.parametrize("text", ["1e39", "9" * 40, "1e-39", "2", "-1"])
    def test_of_a_sound_form_are_held_against_the_range(self, refusal, text):
        response = refusal(with_probability(text))

        pointer, _ = problem_of(response)[2][0]
        assert (response.status_code, pointer[1:4]) in {(400, "ren"), (400, "con")}

    def test_in_a_list_are_named_by_their_place(self, refusal):
        body = SOUND.replace("0.97", "NaN").encode()

        assert problem_of(refusal(body))[2] == [("/confidence_interval/1", "number")]


class TestMembers:
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            (SOUND[:-1] + ', "renewal_probability": 0.94}', "/renewal_probability"),
            (
                SOUND.replace('{"expansion"', '{"expansion": "$1", "expansion"'),
                "/scenarios/expansion",
            ),
            (
                r'{"renewal_probability": 0.1, "renewal_\u0070robability": 0.9}',
                "/renewal_probability",
            ),
            ('{"a~b/c": 1, "a~b/c": 2}', "/a~0b~1c"),
            ('{"é": 1, "é": 2}', "/é"),
        ],
    )  # fmt: skip
    def test_that_appear_twice_are_refused(self, refusal, body, pointer):
        assert problem_of(refusal(body.encode())) == (
            400, "validation-error", [(pointer, "duplicate")]
        )  # fmt: skip

    def test_that_nobody_knows_are_refused_by_name(self, refusal):
        body = {**FORECAST, "renewal_probabilty": 0.9, "scenarios": {"growth": "$1"}}

        assert problem_of(refusal(json.dumps(body).encode())) == (
            400, "validation-error",
            [("/renewal_probabilty", "unknown_member"), ("/scenarios/growth", "unknown_member")],
        )  # fmt: skip

    def test_that_are_missing_are_refused_by_name(self, refusal):
        assert problem_of(refusal(b"{}"))[2] == [
            ("/renewal_probability", "required"),
            ("/confidence_interval", "required"),
        ]

    @pytest.mark.parametrize("text", ['"0.94"', "true", "null", "[0.94]", '{"value": 0.94}'])
    def test_of_another_type_are_refused(self, refusal, text):
        pointers = [pointer for pointer, _ in problem_of(refusal(with_probability(text)))[2]]

        assert pointers == ["/renewal_probability"]


class TestText:
    @pytest.mark.parametrize(
        "text",
        [r'"a\u0000b"', r'"\ud800"', r'"\udc27\ud83d"', r'"\ud83d rest"'],
    )
    def test_that_the_database_cannot_hold_is_refused(self, refusal, text):
        assert problem_of(refusal(with_member(text))) == (
            400, "validation-error", [("/evidence", "text")]
        )  # fmt: skip

    @pytest.mark.parametrize("name", [r"\u0000", r"\ud800", r"a\u0000b"])
    def test_is_refused_in_names_too(self, refusal, name):
        response = refusal(
            SOUND.replace('"scenarios": {', f'"scenarios": {{"{name}": "$1", ').encode()
        )

        [(pointer, rule)] = problem_of(response)[2]
        assert rule == "text"
        assert pointer.startswith("/scenarios/")
        assert "\N{REPLACEMENT CHARACTER}" in pointer

    @pytest.mark.parametrize("raw", [b"\x00", b"\n", b"\x1f"])
    def test_with_a_bare_control_character_is_no_json(self, refusal, raw):
        body = with_member('"X"').replace(b"X", raw)

        assert problem_of(refusal(body)) == (400, "validation-error", [("", "json")])


class TestEncodings:
    @pytest.mark.parametrize(
        "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"]
    )
    def test_other_than_plain_utf_8_are_refused(self, refusal, encoding):
        status, slug, [(pointer, rule)] = problem_of(refusal(SOUND.encode(encoding)))

        assert (status, slug, pointer) == (400, "validation-error", "")
        assert rule in {"utf8", "json"}

    @pytest.mark.parametrize(
        "raw", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"]
    )
    def test_bytes_that_are_no_utf_8_are_refused(self, refusal, raw):
        body = with_member('"X"').replace(b"X", raw)

        assert problem_of(refusal(body)) == (400, "validation-error", [("", "utf8")])


class TestTheRoot:
    @pytest.mark.parametrize("body", ["[]", "null", "true", "1", "NaN", '"text"', f"[{SOUND}]"])
    def test_must_be_an_object(self, refusal, body):
        status, slug, [(pointer, rule)] = problem_of(refusal(body.encode()))

        assert (status, slug, pointer) == (400, "validation-error", "")
        assert rule in {"object", "number"}

    @pytest.mark.parametrize(
        "body", ["{", "{}}", "{} {}", "{'a': 1}", "{a: 1}", '{"a": 1,}', "// no\n{}", " "]
    )
    def test_must_be_json(self, refusal, body):
        assert problem_of(refusal(body.encode())) == (400, "validation-error", [("", "json")])

    def test_may_not_be_left_out(self, refusal):
        status, slug, errors = problem_of(refusal(b""))

        assert (status, slug) == (400, "validation-error")
        assert ("/renewal_probability", "required") in errors


class TestSize:
    @pytest.mark.parametrize("opening", [b"[", b'{"a":'])
    def test_a_depth_of_a_hundred_thousand_is_refused(self, refusal, opening):
        depth = 100_000 if len(opening) == 1 else 50_000

        response = refusal((b'{"a":' + opening * depth)[:LIMIT])

        assert response.status_code == 400
        assert {rule for _, rule in problem_of(response)[2]} <= {"depth", "json"}

    @pytest.mark.parametrize("levels", [MAX_DEPTH, 500, 30_000])
    def test_well_formed_text_too_deep_is_refused(self, refusal, levels):
        body = b'{"a":' + b"[" * levels + b"]" * levels + b"}"

        assert problem_of(refusal(body))[2][0][1] == "depth"

    def test_one_byte_over_256_kb_is_too_large(self, refusal):
        response = refusal(SOUND.encode().ljust(LIMIT + 1))

        assert problem_of(response) == (413, "payload-too-large", [])
        assert "256 KB" in response.json()["detail"]

    def test_a_list_of_a_million_entries_is_too_large(self, refusal):
        body = b'{"confidence_interval": [' + b"1," * 999_999 + b"1]}"

        assert problem_of(refusal(body))[:2] == (413, "payload-too-large")

    def test_a_long_list_within_256_kb_is_one_mistake(self, refusal):
        body = SOUND.replace("[0.88, 0.97]", "[" + "1," * 125_000 + "1]").encode()

        assert problem_of(refusal(body)) == (
            400, "validation-error", [("/confidence_interval", "max_length")]
        )  # fmt: skip

    def test_a_hundred_thousand_unknown_members_give_a_short_answer(self, refusal):
        members = ",".join(f'"m{number}":0' for number in range(20_000))

        response = refusal(f"{{{members}}}".encode())

        assert response.status_code == 400
        assert len(response.content) < 2 * KB

    def test_a_long_name_gives_a_short_answer(self, refusal):
        response = refusal(f'{{"{"n" * 200_000}": 1}}'.encode())

        assert response.status_code == 400
        assert len(response.content) < 2 * KB


class TestFraming:
    def test_a_chunked_body_needs_a_length(self, refusal):
        response = refusal(SOUND.encode(), **{"Transfer-Encoding": "gzip, Chunked"})

        assert problem_of(response) == (411, "length-required", [])

    @pytest.mark.parametrize("length", ["x", "-1", "1.5", "1_0", "١٢", "9" * 5000, " ", "0x10"])
    def test_a_content_length_that_is_no_number_is_refused(self, api, path, length):
        response = api.generic(
            "POST", API + path, SOUND, content_type="application/json", CONTENT_LENGTH=length
        )

        assert response.status_code in (400, 413)
        assert record_of(response).status == response.status_code

    def test_a_content_length_over_the_limit_is_refused_unread(self, api, path):
        response = api.generic(
            "POST", API + path, b"{}", content_type="application/json", CONTENT_LENGTH="9" * 20
        )

        assert problem_of(response)[:2] == (413, "payload-too-large")

    def test_a_body_shorter_than_its_length_is_refused(self, api, path):
        half_sent = {"wsgi.input": BytesIO(SOUND.encode()), "CONTENT_LENGTH": str(len(SOUND) + 1)}

        response = api.generic(
            "POST", API + path, SOUND, content_type="application/json", **half_sent
        )

        assert problem_of(response)[:2] == (400, "validation-error")
        assert "Content-Length" in response.json()["detail"]
        assert ForecastAdjustment.objects.count() == 0


class TestMediaTypes:
    @pytest.mark.parametrize(
        "content_type",
        [
            "",
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/merge-patch+json",
            "application/json/x",
            "json",
            "application/jsonp",
            "*/*",
            "\x00",
            "é",
        ],
    )
    def test_other_than_json_are_refused(self, api, path, content_type):
        response = api.generic("POST", API + path, SOUND, content_type=content_type)

        assert problem_of(response) == (415, "unsupported-media-type", [])
        assert record_of(response).status == 415
        assert ForecastAdjustment.objects.count() == 0
