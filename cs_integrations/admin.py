"""What staff may do with facts in the admin, said once for all domains."""

from typing import Any

from django.http import HttpRequest


class GrowingFact:
    """Facts that only grow: a row may be added, and a correction is a new row."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RecordedFact(GrowingFact):
    """What the service itself recorded: it can be looked at, and nobody adds to it by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
