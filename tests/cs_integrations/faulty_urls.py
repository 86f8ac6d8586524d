"""The service's routes, and some whose views fail in every way a view can."""

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from cs_integrations import urls
from cs_integrations.api.viewsets import HubViewSet

CANARY = "canary-in-the-message"
FAULTS: dict[str, type[Exception]] = {
    fault.__name__: fault
    for fault in (
        ZeroDivisionError,
        RecursionError,
        MemoryError,
        KeyError,
        APIException,
        Http404,
        PermissionDenied,
        SuspiciousOperation,
        BadRequest,
        OperationalError,
        InterfaceError,
        DataError,
        IntegrityError,
    )
}


class FaultyViewSet(HubViewSet):
    domain = "finance"

    def fail(self, _request: Request, fault: str) -> Response:
        raise FAULTS[fault](CANARY)


class NobodysViewSet(HubViewSet):
    """A view whose author forgot to say which domain it belongs to."""

    def retrieve(self, _request: Request) -> Response:
        return Response({})


def faulty_page(_request: HttpRequest, fault: str) -> HttpResponse:
    raise FAULTS[fault](CANARY)


urlpatterns: list[Any] = [
    *urls.urlpatterns,
    path("faulty/api/<str:fault>", FaultyViewSet.as_view({"get": "fail", "post": "fail"})),
    path("faulty/page/<str:fault>", faulty_page),
    path("admin-like/<str:fault>", faulty_page),
    path("nobodys", NobodysViewSet.as_view({"get": "retrieve"})),
]

handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500
