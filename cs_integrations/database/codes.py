"""Columns that hold codes: the database refuses a word that the code does not know."""

from collections.abc import Iterable

from django.db.models import CheckConstraint, Q


def known(field: str, codes: Iterable[str], *, blank: bool = False) -> CheckConstraint:
    """Return the constraint that a column holds one of the codes, or "" where ``blank``.

    It is named after the app, the model and the column: ``sales_deal_stage_known``.
    """
    values = [*(str(code) for code in codes), *([""] if blank else [])]
    return CheckConstraint(
        name=f"%(app_label)s_%(class)s_{field}_known", condition=Q(**{f"{field}__in": values})
    )
