"""The base of every API view: what is the same for all domains."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.http import HttpResponseBase
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from cs_integrations.api import idempotency, problems
from cs_integrations.api.context import FIRST_ERROR_STATUS, context_of
from cs_integrations.api.schema import ANSWER_SHAPE, OPERATION_ID
from cs_integrations.api.schema_fields import ROUTE_NAMES
from cs_integrations.api.serializers import PublicIdField, StrictSerializer
from cs_integrations.api.throttling import charge_address
from cs_integrations.explanation import Outcome, plain

EXPLAIN = "explain"
# Members of an answer that name an object: the trail can be searched by it.
ANSWER_IDS = frozenset({*ROUTE_NAMES.values(), "ticket_id", "forecast_id", "success_plan_id"})
Input = TypeVar("Input", bound=StrictSerializer)


class HubViewSet(ViewSet):
    """Authenticate, check the scope, count, claim the idempotency key, then call the handler.

    ``domain`` decides scope and limit; a view without one refuses everyone. A method parses,
    makes one call into ``queries`` or ``actions`` and returns :meth:`answer`.
    """

    http_method_names: ClassVar[list[str]] = ["get", "head", "post"]  # type: ignore[misc]
    domain: ClassVar[str] = ""
    keeps_answers: ClassVar[bool] = True  # whether the trail keeps the answers' bodies
    query_parameters: ClassVar[tuple[str, ...]] = ()  # besides ``explain``

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        context = context_of(request)
        context.domain = self.domain
        context.operation = getattr(getattr(self, self.action or "", None), OPERATION_ID, "")
        context.declared_parameters = (EXPLAIN, *self.query_parameters)
        context.objects.update({name: str(value)[:100] for name, value in kwargs.items()})
        self._refuse_unknown_method(request)
        idempotency.note(request)
        super().initial(request, *args, **kwargs)
        self._refuse_unknown_parameters(request)
        idempotency.begin(request)

    def perform_authentication(self, request: Request) -> None:
        """Know the client; a failure counts against the caller's address."""
        try:
            super().perform_authentication(request)
        except (NotAuthenticated, AuthenticationFailed):
            charge_address(request._request)  # noqa: SLF001 - the counter wants Django's request
            raise

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        if isinstance(exc, idempotency.StoredAnswer):
            return exc.response
        return super().handle_exception(exc)

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        final: HttpResponseBase = super().finalize_response(
            request,
            response,  # type: ignore[arg-type]
            *args,
            **kwargs,
        )
        final["Cache-Control"] = "private, no-store"
        context = context_of(request)
        context.answer_shape = getattr(getattr(self, self.action or "", None), ANSWER_SHAPE, None)
        context.keeps_answer = self.keeps_answers
        if isinstance(final, Response) and final.status_code < FIRST_ERROR_STATUS:
            idempotency.remember(request, final)
        return final

    @property
    def at(self) -> datetime:
        """The request's one reading of the clock; in a rehearsal the original's."""
        return context_of(self.request).acting_at

    def parse(self, request: Request, serializer: type[Input]) -> Mapping[str, Any]:
        """Return the checked members of the body.

        :raises ValidationError: with one entry for each broken rule
        """
        sent: Any = request.data  # an object: the parser takes nothing else
        checked = serializer(data=sent)
        # Before anything is refused: the trail describes refused requests too.
        context = context_of(request)
        context.request_shape, context.request_members = serializer, sent
        context.objects.update(
            (name, sent[name])
            for name, field in checked.fields.items()
            if isinstance(field, PublicIdField) and field.could_be(sent.get(name))
        )
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def answer(
        self, request: Request, outcome: Outcome, *, status: int = 200, location: str = ""
    ) -> Response:
        """Return the outcome's members, with its explanation when the caller asks for it."""
        body = plain(outcome.body)
        if request.query_params.get(EXPLAIN) == "true":
            body["explanation"] = plain(asdict(outcome.explanation))
        headers = {"Location": location} if location else {}
        if outcome.replayed:
            headers[idempotency.REPLAYED_HEADER] = "true"
        context = context_of(request)
        context.customer_id = outcome.customer_id
        context.objects.update(
            (name, body[name]) for name in body if name in ANSWER_IDS and body[name]
        )
        return Response(body, status=status, headers=headers)

    def _refuse_unknown_method(self, request: Request) -> None:
        """Answer 405 before 401: which methods a path takes is public."""
        if (request.method or "").lower() not in self.action_map:
            self.http_method_not_allowed(request)

    def _refuse_unknown_parameters(self, request: Request) -> None:
        for name in request.query_params:
            if name not in context_of(request).declared_parameters:
                raise problems.invalid_parameter(
                    ascii(name[:60]).strip("'"), rule="unknown", detail="Unknown query parameter."
                )
        values = request.query_params.getlist(EXPLAIN)
        if values and values not in (["true"], ["false"]):
            raise problems.invalid_parameter(
                EXPLAIN, rule="boolean", detail="explain must be true or false."
            )
