"""What the strict input fields and the path ids look like in the OpenAPI document."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from cs_integrations.database.identifiers import public_id_pattern

# The name that a route gives an object, by the prefix of the object's public id.
ROUTE_NAMES = {
    "cust": "customer_id",
    "camp": "campaign_id",
    "deal": "deal_id",
    "feat": "feature_id",
    "ctr": "contract_id",
    "wf": "workflow_id",
    "exec": "execution_id",
}
PATH_IDS: dict[str, dict[str, str]] = {
    **{
        name: {"type": "string", "pattern": public_id_pattern(prefix)}
        for prefix, name in ROUTE_NAMES.items()
    },
    "ticket_id": {"type": "string", "pattern": "^PROD-[0-9]+$"},
    "request_id": {"type": "string", "format": "uuid"},
}


class NumberSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "cs_integrations.api.serializers.NumberField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        low, high = float(self.target.low), float(self.target.high)
        return {"type": "number", "minimum": low, "maximum": high}


class WholeNumberSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "cs_integrations.api.serializers.WholeNumberField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.target.low, "maximum": self.target.high}


class CodeSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "cs_integrations.api.serializers.CodeField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.target.codes)}
