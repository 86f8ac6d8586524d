"""Every answer of the suite is held against the OpenAPI document."""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

API_BASE = "/v1/cs-integrations"
DOCUMENTED = (API_BASE + "/", "/auth/")
_DOCUMENT_URI = "urn:openapi"


@cache
def document() -> dict[str, Any]:
    generated: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return generated


@cache
def _registry() -> Registry[Any]:
    return Registry().with_resource(_DOCUMENT_URI, DRAFT202012.create_resource(document()))


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Return a pattern for each path, those without parameters first."""
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"), path) for path in paths]


def described_path(path: str) -> str | None:
    """Return the document's path template that a request path falls under."""
    relative = path.removeprefix(API_BASE)
    return next((template for pattern, template in _templates() if pattern.match(relative)), None)


def check(method: str, path: str, response: HttpResponseBase) -> None:
    """Assert that the document foresees this answer."""
    if not path.startswith(DOCUMENTED):
        return
    template = described_path(path)
    described = document()["paths"].get(template, {}).get(_described_method(method))
    if described is None:  # an unrouted path, or a method that the path does not take
        assert response.status_code in (404, 405, 411, 413), (method, path, response.status_code)
        return
    status = str(response.status_code)
    assert status in described["responses"], f"{method} {template} may not answer {status}"
    answer = described["responses"][status]
    for name in answer.get("headers", {}):
        if name not in _SOMETIMES:
            assert name in response.headers, f"{method} {template} {status} lacks {name}"
    _check_body(answer, response)


class Checked:
    """Middleware that holds each answer of a live server against the document."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        check(request.method or "", request.path, response)
        return response


_SOMETIMES = {"Idempotent-Replayed", "Retry-After", "Location"}


def _described_method(method: str) -> str:
    return "get" if method == "HEAD" else method.lower()


def _check_body(answer: dict[str, Any], response: Any) -> None:
    if not answer.get("content") or not (response.streaming or response.content):
        return
    media_type = response["Content-Type"].split(";")[0]
    assert media_type in answer["content"], f"{media_type} is not documented"
    if response.streaming:  # its lines are read by the tests of the export
        return
    schema = answer["content"][media_type]["schema"]
    validator = OAS30Validator(_absolute(schema), registry=_registry())
    errors = [
        f"{error.json_path}: {error.message}"
        for error in validator.iter_errors(json.loads(response.content))
    ]
    assert not errors, errors


def _absolute(schema: Any) -> Any:
    """Return the schema with its references made absolute."""
    if isinstance(schema, dict):
        return {
            name: _DOCUMENT_URI + value if name == "$ref" else _absolute(value)
            for name, value in schema.items()
        }
    return schema
