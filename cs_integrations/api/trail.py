"""What the audit trail may keep of a body, declared member by member.

A serializer that leaves one of its members undeclared does not import: nothing gets into the
trail because somebody forgot it.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from rest_framework import serializers

EVERYTHING = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Each member of a serializer in one of three places.

    ``plain`` members are kept as they are: codes, numbers within bounds, public ids. Of
    ``hashed`` ones the trail keeps a keyed digest, so that equal values can be seen to be equal;
    ``dropped`` ones leave nothing. ``varying`` names members of an answer that differ when its
    request is run again on the same facts, with the same clock and ids. ``dropped=EVERYTHING``
    keeps nothing of a serializer, whatever members it has.
    """

    plain: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()

    def extended(self, base: "Trail") -> "Trail":
        """Return this declaration with what the base declares and this one does not name."""
        if self._drops_everything:
            return self
        own = {*self.plain, *self.hashed, *self.dropped}
        return Trail(
            plain=(*self.plain, *(name for name in base.plain if name not in own)),
            hashed=(*self.hashed, *(name for name in base.hashed if name not in own)),
            dropped=(*self.dropped, *(name for name in base.dropped if name not in own)),
            varying=tuple(dict.fromkeys((*self.varying, *base.varying))),
        )

    def faults(self, members: frozenset[str]) -> list[str]:
        """Return what is wrong with this as the declaration of these members, in sentences."""
        if self._drops_everything:
            return []
        counts = Counter((*self.plain, *self.hashed, *self.dropped))
        return [
            *(f"{name} is not declared" for name in sorted(members - counts.keys())),
            *(f"{name} is declared twice" for name, times in sorted(counts.items()) if times > 1),
            *(
                f"{name} is declared and no member"
                for name in sorted({*counts, *self.varying} - members)
            ),
        ]

    @property
    def _drops_everything(self) -> bool:
        return set(EVERYTHING) <= set(self.dropped)


class DeclaredSerializer(serializers.Serializer[Any]):
    """A serializer whose ``trail`` names each of its members once; what it inherits stands."""

    trail: ClassVar[Trail] = Trail()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        inherited = next(base.trail for base in cls.__mro__[1:] if hasattr(base, "trail"))
        cls.trail = cls.__dict__.get("trail", Trail()).extended(inherited)
        fields = cls._declared_fields
        faults = cls.trail.faults(frozenset(fields))
        faults += [
            f"{name} is plain, but its members are not declared"
            for name in cls.trail.plain
            if name in fields and _is_undeclared(fields[name])
        ]
        if faults:
            raise TypeError(f"{cls.__qualname__}.trail: {'; '.join(faults)}")


def nested_in(field: Any) -> Any:
    """Return the serializer behind a member that holds one, or a list of them; else None."""
    inner = field.child if isinstance(field, serializers.ListField) else field
    if isinstance(inner, serializers.ListSerializer):
        inner = inner.child
    return inner if isinstance(inner, serializers.BaseSerializer) else None


def _is_undeclared(field: Any) -> bool:
    nested = nested_in(field)
    return nested is not None and not isinstance(nested, DeclaredSerializer)
