"""The base of every API view: what is the same for all domains."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, TypeVar

from django.http import HttpResponseBase
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from cs_integrations.api import idempotency, problems
from cs_integrations.api.context import RequestContext, context_of
from cs_integrations.api.schema import OPERATION_ID
from cs_integrations.api.serializers import PublicIdField, StrictSerializer
from cs_integrations.api.throttling import charge_address
from cs_integrations.explanation import Outcome, plain

EXPLAIN = "explain"
FIRST_ERROR_STATUS = 400
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
        if isinstance(final, Response) and final.status_code < FIRST_ERROR_STATUS:
            idempotency.remember(request, final)
            if self.keeps_answers:
                final.add_post_render_callback(partial(_keep, context_of(request)))
        return final

    @property
    def at(self) -> datetime:
        """The request's one reading of the clock."""
        return context_of(self.request).received_at

    def parse(self, request: Request, serializer: type[Input]) -> Mapping[str, Any]:
        """Return the checked members of the body.

        :raises ValidationError: with one entry for each broken rule
        """
        checked = serializer(data=request.data)
        checked.is_valid(raise_exception=True)
        members: dict[str, Any] = dict(checked.validated_data)
        sent: Any = request.data
        context = context_of(request)
        context.kept_request = {
            name: sent[name] for name in serializer.kept_members if name in sent
        }
        context.objects.update(
            (name, members[name])
            for name, field in checked.fields.items()
            if isinstance(field, PublicIdField) and name in members
        )
        return members

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


def _keep(context: RequestContext, response: Response) -> None:
    context.kept_response = response.content
