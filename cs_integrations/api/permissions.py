"""Scopes: ``cs-<domain>.read`` for reading, ``cs-<domain>.write`` for all else."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from cs_integrations.api import problems
from cs_integrations.api.context import Decision, context_of

if TYPE_CHECKING:
    from rest_framework.views import APIView


class DomainScope(BasePermission):
    """Demand the scope of the view's domain; refuse everyone where a view names no domain.

    Writing does not imply reading: a client holds what it was given.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Let the client through.

        :raises ProblemException: the token lacks the scope
        """
        context = context_of(request)
        needed = required_scope(view, request.method or "")
        context.scope_needed = needed
        if context.client is not None and needed in context.client.scopes:
            context.decision = Decision.ALLOWED
            return True
        context.decision = Decision.SCOPE_REFUSED
        raise problems.ProblemException(
            problems.FORBIDDEN,
            f"This operation needs the scope {needed}." if needed else "Nobody may call this.",
            members={"required_scope": needed},
        )


class OwnRecords(BasePermission):
    """Let any client in; the view shows it its own records, and all with ``all_records_scope``."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        context = context_of(request)
        context.decision = Decision.ALLOWED
        return context.client is not None


def required_scope(view: "APIView", method: str) -> str:
    """Return the scope that a method of the view needs; empty when the view names no domain."""
    domain = getattr(view, "domain", "")
    verb = "read" if method in SAFE_METHODS else "write"
    return f"cs-{domain}.{verb}" if domain else ""
