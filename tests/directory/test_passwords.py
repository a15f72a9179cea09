"""The rules of passwords."""

import pytest

from directory.passwords import (
    GOOD_US,
    LENGTH_MAX,
    PasswordRefused,
    PasswordTooLong,
    PasswordTooShort,
    PasswordTooSimple,
    check,
    is_expired,
)


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("short 1", PasswordTooShort),
        ("elevenchar1", PasswordTooShort),
        ("a1" * LENGTH_MAX, PasswordTooLong),
        ("only letters here", PasswordTooSimple),
        ("831 4159 2653 58", PasswordTooSimple),
        ("aaaaaaaaaaa1", PasswordTooSimple),
        ("ab1ab1ab1ab1ab1", PasswordTooSimple),
        ("my name is Alice 1", PasswordTooSimple),
    ],
)
def test_weak_password_is_refused(password: str, refusal: type[PasswordRefused]) -> None:
    """Too short, too long, of one sort, of few characters or with the name in it: refused without a quote."""
    with pytest.raises(refusal) as refused:
        check(password, "alice")

    assert password not in str(refused.value)


@pytest.mark.parametrize("password", ["twelve chars", "密码要有十二个字符才够用1", "correct horse 1"])
def test_strong_password_passes(password: str) -> None:
    """Letters of any script with digits pass."""
    check(password + " 7", "alice")


def test_password_expires_after_ninety_days() -> None:
    """On the ninetieth day another one is due."""
    assert not is_expired(1_000, 1_000 + GOOD_US - 1)
    assert is_expired(1_000, 1_000 + GOOD_US)
