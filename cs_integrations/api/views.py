"""Health, readiness, error pages, and Django's own error pages as problems."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import DatabaseError, InterfaceError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from cs_integrations.api import problems
from cs_integrations.api.context import ADMIN_PREFIX

READING = ("GET", "HEAD")
Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]


def reading_only(view: View[Arguments]) -> View[Arguments]:
    """Refuse other methods than GET and HEAD with a problem; Django's decorator sends no body."""

    @wraps(view)
    def checked(
        request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        if request.method in READING:
            return view(request, *args, **kwargs)
        return problems.problem_response(
            request,
            problems.METHOD_NOT_ALLOWED,
            "This page can only be read.",
            headers={"Allow": ", ".join(READING)},
        )

    return csrf_exempt(checked)  # a POST is refused for what it is, not for a missing token


@reading_only
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that this process answers."""
    return JsonResponse({"status": "ok"})


@reading_only
def readyz(_request: HttpRequest) -> HttpResponse:
    """Say whether this process can serve: the database answers and its tables are there."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('audit_record') IS NOT NULL")
            row = cursor.fetchone()
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "database": "unreachable"}, status=503)
    if not row or not row[0]:
        return JsonResponse({"status": "unavailable", "database": "not migrated"}, status=503)
    return JsonResponse({"status": "ok", "database": "ok"})


@reading_only
def error_index(request: HttpRequest) -> HttpResponse:
    """List the problem types."""
    return render(request, "errors/index.html", {"problem_types": problems.CATALOGUE})


@reading_only
def error_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Explain one problem type: what its ``type`` URI resolves to."""
    problem_type = problems.BY_SLUG.get(slug)
    if problem_type is None:
        raise Http404
    return render(request, "errors/problem.html", {"problem_type": problem_type})


@reading_only
def home(request: HttpRequest) -> HttpResponse:
    """Show a newcomer where things are."""
    return render(request, "home.html", {"api_base": settings.API_BASE})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        detail = "The Host header names no host that is served here."
        refusal = problems.invalid_parameter("Host", rule="allowed_host", detail=detail)
        return refused(request, refusal)
    return _refusal(request, exception, problems.VALIDATION)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _refusal(request, exception, problems.FORBIDDEN)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _refusal(request, PermissionError(reason), problems.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _refusal(request, exception, problems.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    failure = sys.exception()
    if isinstance(failure, DatabaseError | InterfaceError) and not _is_of_admin(request):
        return problems.database_problem(request, failure)
    return _refusal(request, None, problems.INTERNAL)


def refused(request: HttpRequest, refusal: problems.ProblemException) -> HttpResponse:
    """Answer a refusal that no view made: the admin's people with a page, all others with it."""
    if _is_of_admin(request):
        return _admin_page(request, refusal.problem_type)
    return problems.problem_for(request, refusal)


def _refusal(
    request: HttpRequest,
    exception: Exception | None,  # noqa: ARG001 - its text is not the caller's business
    problem_type: problems.ProblemType,
) -> HttpResponse:
    if _is_of_admin(request):
        return _admin_page(request, problem_type)
    return problems.problem_response(request, problem_type, problem_type.meaning)


def _admin_page(request: HttpRequest, problem_type: problems.ProblemType) -> HttpResponse:
    context = {"problem_type": problem_type}
    return render(request, "errors/admin.html", context, status=problem_type.status)


def _is_of_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith(ADMIN_PREFIX)
