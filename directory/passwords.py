"""What a password has to be, and how long it is good. Pure.

The rules are those of PCI DSS 4.0.1: at least twelve characters with letters and digits (8.3.6), none of the
last four (8.3.7), changed every 90 days (8.3.9), chosen by its operator (8.3.5); six wrong ones in a row lock
the operator for half an hour (8.3.4). Beyond these, a password does not contain the operator's name and has
more than a few different characters.

How a password is proven is for whoever fills `Hasher`: the switch does with Argon2id.
"""

from typing import Final, Protocol

from directory.refusals import Refused, message

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 200
DIFFERENT_MIN: Final = 6
REMEMBERED: Final = 4
"""How many earlier passwords, the present one included, may not come back."""
GOOD_US: Final = 90 * 24 * 3600 * 1_000_000
FAILURES_MAX: Final = 6
LOCKED_US: Final = 30 * 60 * 1_000_000


class Hasher(Protocol):
    """Makes and checks what is stored of a password. Both take a while on purpose, and may block."""

    def proof(self, password: str) -> str:
        """What to store of a password."""

    def proves(self, proof: str, password: str) -> bool:
        """Whether a password is the one that a proof was made of."""


class PasswordRefused(Refused):
    """A new password breaks a rule."""


class PasswordTooShort(PasswordRefused):
    """It has too few characters."""

    text = message("a password has at least {least} characters")


class PasswordTooLong(PasswordRefused):
    """It has too many characters."""

    text = message("a password has at most {most} characters")


class PasswordTooSimple(PasswordRefused):
    """It is easy to guess."""

    text = message(
        "a password has letters and digits, {least} different characters or more, and not the operator's name"
    )


class PasswordUsedBefore(PasswordRefused):
    """It is one of the last."""

    text = message("a password is none of the last {count}")


def check(password: str, operator: str) -> None:
    """Refuse a password that is too weak.

    Raises:
        PasswordRefused: It breaks a rule.
    """
    if len(password) < LENGTH_MIN:
        raise PasswordTooShort(least=LENGTH_MIN)
    if len(password) > LENGTH_MAX:
        raise PasswordTooLong(most=LENGTH_MAX)
    mixed = any(map(str.isalpha, password)) and any(map(str.isdigit, password))
    varied = len(set(password)) >= DIFFERENT_MIN
    if not mixed or not varied or operator.lower() in password.lower():
        raise PasswordTooSimple(least=DIFFERENT_MIN)


def is_expired(set_us: int, now_us: int) -> bool:
    """Whether a password that was set then is too old."""
    return now_us - set_us >= GOOD_US
