"""Building blocks of the wire: strict input, documented output.

JSON has types; here a number is a number and text is text. The framework's own fields take
``"75"`` for 75 and ``1`` for true.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from cs_integrations.api.formats import MONEY_PATTERN
from cs_integrations.api.trail import DeclaredSerializer, Trail
from cs_integrations.database.identifiers import (
    MAX_PUBLIC_ID_LENGTH,
    is_public_id,
    public_id_pattern,
)

MAX_NAMED_UNKNOWN = 10


class StrictSerializer(DeclaredSerializer):
    """Input that refuses members it does not know, by name."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the checked members.

        :raises ValidationError: with one entry for each broken rule
        """
        errors: dict[str, Any] = {}
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields]
            for name in unknown[:MAX_NAMED_UNKNOWN]:
                errors[str(name)[:100]] = [ErrorDetail("Unknown member.", code="unknown_member")]
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            raise ValidationError({**errors, **error.detail}) from error
        if errors:
            raise ValidationError(errors)
        return value


class NumberField(serializers.Field[Decimal, Any, Any, Any]):
    """A JSON number between two bounds, as a ``Decimal``."""

    default_error_messages = {
        "not_a_number": "Must be a number.",
        "range": "Must be between {low} and {high}.",
    }

    def __init__(self, *, low: Decimal, high: Decimal, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low = low
        self.high = high

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | Decimal):
            self.fail("not_a_number")
        if not self.low <= data <= self.high:
            self.fail("range", low=self.low, high=self.high)
        return Decimal(data)

    def to_representation(self, value: Any) -> Any:
        return value


class WholeNumberField(serializers.Field[int, Any, Any, Any]):
    """A JSON whole number between two bounds."""

    default_error_messages = {
        "not_whole": "Must be a whole number.",
        "range": "Must be between {low} and {high}.",
    }

    def __init__(self, *, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low = low
        self.high = high

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("not_whole")
        if not self.low <= data <= self.high:
            self.fail("range", low=self.low, high=self.high)
        return int(data)

    def to_representation(self, value: Any) -> Any:
        return value


class TextField(serializers.CharField):
    """JSON text, never a number in disguise."""

    default_error_messages = {"not_text": "Must be text."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        return str(super().to_internal_value(data))


class CodeField(TextField):
    """Text that is one of a list of codes; the refusal names them all."""

    default_error_messages = {"unknown_code": "Must be one of: {codes}."}

    def __init__(self, *, codes: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)
        self.codes = codes

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data)
        if code not in self.codes:
            self.fail("unknown_code", codes=", ".join(self.codes))
        return code


class PublicIdField(TextField):
    """The public id of an object, e.g. ``cust_123``."""

    def __init__(self, *, prefix: str, **kwargs: Any) -> None:
        pattern = public_id_pattern(prefix)
        checks = [RegexValidator(pattern, f"Must match {pattern}", code="pattern")]
        super().__init__(
            max_length=MAX_PUBLIC_ID_LENGTH, validators=checks, trim_whitespace=False, **kwargs
        )
        self.prefix = prefix

    def could_be(self, value: Any) -> bool:
        """Say whether the value looks like the public id of such an object."""
        return isinstance(value, str) and is_public_id(value, self.prefix)


class MoneyField(TextField):
    """Dollars as text: ``"$75k"``, ``"$12,500"``."""

    def __init__(self, **kwargs: Any) -> None:
        checks = [RegexValidator(MONEY_PATTERN, 'Must be money such as "$75k".', code="money")]
        super().__init__(max_length=20, validators=checks, trim_whitespace=False, **kwargs)


class StrictListField(serializers.ListField):
    """A JSON list; a repeated entry is refused when ``is_unique``."""

    default_error_messages = {"repeated": "Entries must be unique."}

    def __init__(self, *, is_unique: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_unique = is_unique

    def to_internal_value(self, data: Any) -> list[Any]:
        # The length is checked before the entries: a list of 10^5 bad entries is one mistake.
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        values = super().to_internal_value(data)
        if self.is_unique and len(set(values)) < len(values):
            self.fail("repeated")
        return list(values)


class ExplanationOut(DeclaredSerializer):
    """Why the answer is what it is; sent with ``?explain=true``."""

    rule_id = serializers.CharField(
        help_text="The rule, as docs/rules/ in the repository names it."
    )
    rule_version = serializers.CharField()
    inputs = serializers.DictField(help_text="Stored facts and request values the rule used.")
    steps = serializers.DictField(help_text="Intermediate values in the order computed.")
    sample_size = serializers.IntegerField(
        allow_null=True, help_text="Observations behind a statistic; null where there is none."
    )
    reasons = serializers.ListField(
        child=serializers.CharField(),
        help_text="Sentences for each null, suppressed or capped thing.",
    )

    trail = Trail(
        plain=("rule_id", "rule_version", "sample_size"), hashed=("inputs", "steps", "reasons")
    )


class AnswerOut(DeclaredSerializer):
    """Base of every answer: the specified members, and the reasons when asked for."""

    explanation = ExplanationOut(required=False)

    # It quotes stored facts of every kind: that it differs may show, and not what it says.
    trail = Trail(hashed=("explanation",))
