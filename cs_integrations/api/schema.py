"""The OpenAPI document: what each operation says of itself, and what is said for all of them.

``/openapi/cs-cross-domain-v1.json`` is generated from the views; tests hold it against the
routes, both ways, and validate every answer of the suite against it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import getdoc
from typing import Any, TypeVar

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.serializers import BaseSerializer

from cs_integrations.api import problems
from cs_integrations.api.problems import ProblemType
from cs_integrations.api.schema_fields import PATH_IDS, ROUTE_NAMES
from cs_integrations.api.serializers import AnswerOut, StrictSerializer
from cs_integrations.clients.scopes import SCOPES

OPERATION_ID = "hub_operation_id"
ANSWER_SHAPE = "hub_answer_shape"
KNOWN_CODES: set[str] = set()  # names of operations, and values that their parameters take
PUBLIC_PREFIXES = (settings.API_BASE + "/", "/auth/")
OAUTH_ERROR = "OAuthError"
_METHODS = ("get", "post")
EXAMPLE_REQUEST_ID = "019a8d2e-7c00-7000-8000-000000000000"

# What any operation of the API may answer, whatever it does.
_ALWAYS: tuple[ProblemType, ...] = (
    problems.VALIDATION,
    problems.UNAUTHORIZED,
    problems.FORBIDDEN,
    problems.NOT_ACCEPTABLE,
    problems.RATE_LIMIT,
    problems.UNAVAILABLE,
    problems.INTERNAL,
    problems.LENGTH_REQUIRED,
    problems.PAYLOAD_TOO_LARGE,
)
_ALWAYS_POST = (problems.CONFLICT, problems.UNSUPPORTED_MEDIA_TYPE, problems.KEY_REUSED)

View = TypeVar("View", bound=Callable[..., Any])


def operation(
    operation_id: str,
    *,
    summary: str,
    answer: type[BaseSerializer[Any]] | None = None,
    request: type[BaseSerializer[Any]] | None = None,
    status: int = 200,
    refusals: Sequence[ProblemType] = (),
    parameters: Sequence[OpenApiParameter] = (),
    streams: Sequence[str] = (),
) -> Callable[[View], View]:
    """Describe a view method once: its name and its answer, for the document and the trail.

    ``refusals`` are the problems beyond those that every operation may give; ``streams`` are the
    media types of an answer that no serializer describes.
    """
    streamed = {(status, media_type): OpenApiTypes.STR for media_type in streams}

    def decorate(view: View) -> View:
        setattr(view, OPERATION_ID, operation_id)
        setattr(view, ANSWER_SHAPE, answer)
        KNOWN_CODES.update([operation_id], *(map(str, item.enum or ()) for item in parameters))
        described: View = extend_schema(
            operation_id=operation_id,
            summary=summary,
            request=request,
            parameters=[*(() if streams else (EXPLAIN_PARAMETER,)), *parameters],
            responses=streamed or {status: answer},
            extensions={"x-refusals": [refusal.slug for refusal in refusals]},
        )(view)
        return described

    return decorate


EXPLAIN_PARAMETER = OpenApiParameter(
    "explain",
    bool,
    description="Add the member `explanation`: rule, version, inputs, steps, sample size.",
)


class HubSchema(AutoSchema):
    """Security per scope of the operation, and path ids that name their pattern."""

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the scope that this very method needs."""
        if not getattr(self.view, "authentication_classes", ()):
            return []
        scope = getattr(self.view, "documented_scopes", None)
        if scope is None:
            verb = "read" if self.method == "GET" else "write"
            scope = [f"cs-{getattr(self.view, 'domain', '')}.{verb}"]
        return [{"oauth2": scope}]

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "domain", "") or "authorization"]


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The specification's security scheme, for our authenticator."""

    target_class = "cs_integrations.api.authentication.BearerAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return security_scheme()


def security_scheme() -> dict[str, Any]:
    """Return the specification's OAuth2 scheme: client credentials, scopes with their texts."""
    flow = {"tokenUrl": "/auth/token", "scopes": SCOPES}
    return {"type": "oauth2", "flows": {"clientCredentials": flow}}


def public_routes(endpoints: Sequence[Any], **_kwargs: Any) -> list[Any]:
    """Keep the routes that the document is about: the API and the token endpoints."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(PUBLIC_PREFIXES)]


def complete(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Add what all operations share: problems, headers, examples, closed objects, servers."""
    components = result["components"]
    components["schemas"] = {
        **components.get("schemas", {}),
        "Problem": _problem_schema(),
        OAUTH_ERROR: _oauth_error_schema(),
    }
    components["headers"] = _headers()
    components["securitySchemes"] = {"oauth2": security_scheme()}
    for schema in components["schemas"].values():
        if schema.get("description") in _BASE_DOCSTRINGS:
            del schema["description"]
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for member in schema.get("properties", {}).values():
            if "enum" in member and member.get("default") == "":
                del member["default"]  # it stands for "left out" and may not be sent
    for path, item in result["paths"].items():
        for method in _METHODS:
            if method in item:
                _complete_operation(path, method, item[method])
    return result


def _complete_operation(path: str, method: str, described: dict[str, Any]) -> None:
    refusals = [problems.BY_SLUG[slug] for slug in described.pop("x-refusals", ())]
    is_oauth = path.startswith("/auth/")
    if is_oauth:
        described["servers"] = [{"url": settings.SPECIFIED_HOST}, {"url": "/"}]
    responses = described["responses"]
    if not is_oauth:
        refusals += [*_ALWAYS, *(_ALWAYS_POST if method == "post" else ())]
        if "{" in path:
            refusals.append(problems.NOT_FOUND)
    for refusal in refusals:
        _add_problem(responses, refusal, path)
    if method == "post" and not is_oauth:
        described.setdefault("parameters", []).append(_idempotency_parameter())
    for parameter in described.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["schema"] = PATH_IDS[parameter["name"]]
    for status, response in responses.items():
        response["description"] = response.get("description") or described["summary"]
        response["headers"] = _header_references(int(status), response, described, method)
    _add_examples(path, method, described)


def _add_problem(responses: dict[str, Any], refusal: ProblemType, path: str) -> None:
    status = str(refusal.status.value)
    response = responses.setdefault(status, {"description": refusal.meaning})
    response.setdefault("content", {})[problems.MEDIA_TYPE] = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "example": {
            "type": refusal.uri,
            "title": refusal.title,
            "detail": "Retry after 60s" if refusal is problems.RATE_LIMIT else refusal.meaning,
            "instance": _instance(path),
            "status": refusal.status.value,
            "request_id": EXAMPLE_REQUEST_ID,
        },
    }


def _instance(path: str) -> str:
    """Return a path that the template stands for, ``cust_123`` for a customer."""
    for prefix, name in ROUTE_NAMES.items():
        path = path.replace(f"{{{name}}}", f"{prefix}_123")
    path = path.replace("{ticket_id}", "PROD-123").replace("{request_id}", EXAMPLE_REQUEST_ID)
    return path if path.startswith("/auth/") else settings.API_BASE + path


def _header_references(
    status: int, response: Mapping[str, Any], described: Mapping[str, Any], method: str
) -> dict[str, Any]:
    names = [name for name in _headers() if name not in _CONDITIONAL_HEADERS]
    if status in (429, 503, 409):
        names.append("Retry-After")
    if status == 401:  # noqa: PLR2004
        names.append("WWW-Authenticate")
    if status in (201, 202):
        names.append("Location")
    if method == "post" and status < 300 and "authorization" not in described["tags"]:  # noqa: PLR2004
        names.append("Idempotent-Replayed")
    return dict(response.get("headers", {})) | {
        name: {"$ref": f"#/components/headers/{name}"} for name in names
    }


# A serializer without a docstring would show its base's.
_BASE_DOCSTRINGS = (getdoc(StrictSerializer), getdoc(AnswerOut))
_CONDITIONAL_HEADERS = ("Retry-After", "WWW-Authenticate", "Location", "Idempotent-Replayed")


def _headers() -> dict[str, Any]:
    whole, text = {"type": "integer", "minimum": 0}, {"type": "string"}
    described: dict[str, tuple[str, dict[str, Any]]] = {
        "X-Request-ID": ("Id of this request and of its audit record (UUIDv7).", text),
        "X-Audit-Trail": ("Where this request's audit record can be read.", text),
        "X-RateLimit-Limit": ("Requests a window.", whole),
        "X-RateLimit-Remaining": ("Requests left in this window.", whole),
        "X-RateLimit-Reset": ("Seconds until the window ends.", whole),
        "X-RateLimit-Window": ("Length of the window in seconds.", whole),
        "RateLimit-Policy": ("draft-ietf-httpapi-ratelimit-headers-10.", text),
        "RateLimit": ("draft-ietf-httpapi-ratelimit-headers-10.", text),
        "Retry-After": ("Seconds to wait before trying again.", whole),
        "WWW-Authenticate": ("How to authenticate (RFC 6750).", text),
        "Location": ("Where the created or started thing can be read.", text),
        "Idempotent-Replayed": ("`true` when an earlier answer is repeated.", text),
    }
    return {
        name: {"description": description, "schema": schema}
        for name, (description, schema) in described.items()
    }


def _idempotency_parameter() -> dict[str, Any]:
    return {
        "in": "header",
        "name": "Idempotency-Key",
        "description": "Repeat a request safely: same key, same request, one effect. Kept 24 h.",
        "schema": {
            "type": "string",
            "pattern": "^[!-~]([ -~]*[!-~])?$",  # printable ASCII, bare or in quotes
            "maxLength": 255,  # and two quotes, where there are any
        },
    }


def _problem_schema() -> dict[str, Any]:
    error = {
        "type": "object",
        "properties": {
            "pointer": {"type": "string", "description": "JSON pointer of the member."},
            "parameter": {"type": "string", "description": "Query parameter or header."},
            "rule": {"type": "string"},
            "detail": {"type": "string"},
        },
        "required": ["rule", "detail"],
        "additionalProperties": False,
    }
    types = [problem_type.uri for problem_type in problems.CATALOGUE]
    return {
        "type": "object",
        "description": "RFC 9457 problem.",
        "properties": {
            "type": {"type": "string", "format": "uri", "enum": types},
            "title": {"type": "string"},
            "detail": {"type": "string"},
            "instance": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "request_id": {"type": "string", "format": "uuid"},
            "errors": {"type": "array", "items": error, "minItems": 1},
            "required_scope": {"type": "string"},
        },
        "required": ["type", "title", "detail", "instance", "status", "request_id"],
    }


def _oauth_error_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "RFC 6749, 5.2.",
        "properties": {
            "error": {"type": "string"},
            "error_description": {"type": "string"},
        },
        "required": ["error"],
    }


@cache
def _specified_calls() -> list[dict[str, Any]]:
    calls = json.loads((settings.BASE_DIR / "examples" / "calls.json").read_text())["calls"]
    return list(calls)


@cache
def _specified_answers() -> dict[str, Any]:
    answers = json.loads((settings.BASE_DIR / "examples" / "answers.json").read_text())
    return dict(answers)


def _add_examples(path: str, method: str, described: dict[str, Any]) -> None:
    """Show the specification's own example of the operation."""
    for call in _specified_calls():
        if call["method"].lower() != method or not _matches(path, call["path"].split("?")[0]):
            continue
        if "body" in call:
            content = described["requestBody"]["content"]["application/json"]
            content["examples"] = {"specification": {"value": call["body"]}}
        answer = _specified_answers().get(described["operationId"])
        if answer is not None:
            content = described["responses"][str(call["status"])]["content"]["application/json"]
            content["examples"] = {"specification": {"value": answer}}


def _matches(template: str, path: str) -> bool:
    parts, wanted = path.split("/"), template.split("/")
    return len(parts) == len(wanted) and all(
        want.startswith("{") or want == part for part, want in zip(parts, wanted, strict=True)
    )
