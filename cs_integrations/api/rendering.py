"""JSON in one form, whatever parameters the ``Accept`` header carries."""

from collections.abc import Mapping
from typing import Any

from rest_framework import renderers


class JSONRenderer(renderers.JSONRenderer):
    """Render compact JSON; the framework's own renderer lets a caller choose an indent."""

    def get_indent(
        self,
        accepted_media_type: str | None,
        renderer_context: Mapping[str, Any] | None,
    ) -> None:
        return None
