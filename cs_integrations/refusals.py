"""What the domains refuse, in their own words; the API turns each into an RFC 9457 problem.

Queries and actions raise these. They know nothing of HTTP.
"""


class Refusal(Exception):
    """An anticipated refusal; ``detail`` is a sentence for the caller."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class UnknownObject(Refusal):
    """The path names an object that does not exist (404)."""


class StateConflict(Refusal):
    """The request is sound, but the object's state does not allow it (409)."""


class InvalidMember(Refusal):
    """A member of the body breaks a rule that needs stored facts to check (400).

    ``pointer`` is the JSON pointer of the member, e.g. ``/customer_id``; ``rule`` is the
    short code of the broken rule, e.g. ``exists``.
    """

    def __init__(self, detail: str, *, pointer: str, rule: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.rule = rule


class InvalidParameter(Refusal):
    """A query parameter breaks a rule (400); ``rule`` is the short code of that rule."""

    def __init__(self, detail: str, *, name: str, rule: str) -> None:
        super().__init__(detail)
        self.name = name
        self.rule = rule
