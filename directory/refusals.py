"""What the directory refuses, and in which words.

Everything a service refuses is a `Refused`: a typed error whose class holds its text and whose instance holds
the values in it. `str()` is the English text; whoever speaks another language translates `text` and fills
`values` in. No value is ever a card number, a PIN, a key or what a person calls theirs.

Texts are marked with `message`, so that the extractor of the catalogues finds them.
"""

from typing import ClassVar, Final


def message(text: str) -> str:
    """The text itself; the mark by which the catalogues' extractor finds it."""
    return text


class Refused(Exception):
    """The directory does not do what was asked.

    Args:
        values: What stands in the text's braces.
    """

    text: ClassVar[str] = message("refused")

    def __init__(self, **values: str | int) -> None:
        super().__init__(self.text.format_map(values))
        self.values: Final = values


class NotSignedIn(Refused):
    """Name and password don't belong together, or the operator may not work; which of these is not said."""

    text = message("not signed in: wrong name or password, or the operator is locked or disabled")


class NotAllowed(Refused):
    """The operator's role does not have this right, over whatever record."""

    text = message("the role {role} does not allow {action}")


class NoSuchRecord(Refused):
    """There is no such record, or it belongs to a party that the operator has nothing to do with."""

    text = message("no such {kind}")


class AlreadyThere(Refused):
    """A record of this name exists."""

    text = message("there is a {kind} of this name already")


class InvalidValue(Refused):
    """A value is not what it should be; the reason names the rule, never the value."""

    text = message("{field}: {reason}")


class ChangedMeanwhile(Refused):
    """A record is not as it was when the change was thought of."""

    text = message("the {kind} was changed meanwhile; look again")


class ApprovalNeeded(Refused):
    """What was asked for needs a second operator, who finds it as this proposal."""

    text = message("proposal {proposal} waits for a second operator")

    def __init__(self, *, proposal: int) -> None:
        super().__init__(proposal=proposal)
        self.proposal_id: Final = proposal
