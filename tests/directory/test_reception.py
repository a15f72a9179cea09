"""The reception: who comes in, and who doesn't."""

import asyncio
import json
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from directory.operators import unlock
from directory.parties import PLATFORM_ID
from directory.passwords import (
    FAILURES_MAX,
    GOOD_US,
    LOCKED_US,
    PasswordTooShort,
    PasswordUsedBefore,
)
from directory.reception import NotTheFirst, PasswordExpired
from directory.refusals import InvalidValue, NotSignedIn
from directory.rights import Role
from directory.work import Operator
from tests.directory.back_office import PASSWORD, BackOffice, QuickHasher

WRONG = "not the password 1"


@pytest.fixture
async def alice(back_office: BackOffice) -> Operator:
    """An administrator of the platform."""
    return await back_office.operator("alice")


@dataclass
class CountingHasher(QuickHasher):
    """Notes how much work was done."""

    worked: list[str] = field(default_factory=list)

    def proof(self, password: str) -> str:
        """What is stored."""
        self.worked.append("proof")
        return super().proof(password)

    def proves(self, proof: str, password: str) -> bool:
        """Whether it is that one."""
        self.worked.append("proves")
        return proof == f"proof of {password}"


async def _fail(back_office: BackOffice, name: str = "alice", times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(NotSignedIn):
            await back_office.reception.sign_in(name, WRONG)


async def _happenings(back_office: BackOffice) -> list[tuple[str, str]]:
    rows = await back_office.rows("SELECT action, after FROM directory.audit ORDER BY seq")
    return [(row["action"], row["after"]) for row in rows]


async def test_right_password_lets_in(back_office: BackOffice, alice: Operator) -> None:
    """Name and password give the operator, whose visit is noted."""
    assert alice == await back_office.reception.sign_in("alice", PASSWORD)
    assert [back_office.now_us] == [
        row[0] for row in await back_office.rows("SELECT signed_in_us FROM directory.operator")
    ]


async def test_wrong_password_is_logged(back_office: BackOffice, alice: Operator) -> None:
    """Each wrong password is in the audit, without a trace of what it was."""
    await _fail(back_office)

    assert [("sign_in.failed", '{"failures":1,"locked":false}')] == await _happenings(back_office)


async def test_unknown_name_costs_the_same_and_leaves_no_trace(
    back_office: BackOffice, alice: Operator
) -> None:
    """A name nobody has is refused in the same words after the same work, and is not written down."""
    hasher = CountingHasher()
    back_office.hasher = hasher
    with pytest.raises(NotSignedIn) as unknown:
        await back_office.reception.sign_in("mallory", WRONG)
    with pytest.raises(NotSignedIn) as wrong:
        await back_office.reception.sign_in("alice", WRONG)

    assert str(unknown.value) == str(wrong.value)
    assert ["proof", "proves"] == hasher.worked
    assert 1 == len(await _happenings(back_office))


async def test_too_many_failures_lock_for_half_an_hour(back_office: BackOffice, alice: Operator) -> None:
    """After six wrong passwords the right one doesn't help until half an hour has passed."""
    await _fail(back_office, times=FAILURES_MAX)
    with pytest.raises(NotSignedIn):
        await back_office.reception.sign_in("alice", PASSWORD)

    back_office.now_us += LOCKED_US - 1
    with pytest.raises(NotSignedIn):
        await back_office.reception.sign_in("alice", PASSWORD)
    back_office.now_us += 1
    assert alice == await back_office.reception.sign_in("alice", PASSWORD)

    told = [json.loads(after) for _, after in await _happenings(back_office)]
    assert [*range(1, FAILURES_MAX + 1)] == [each["failures"] for each in told]
    assert [FAILURES_MAX] == [each["failures"] for each in told if each["locked"]]


async def test_failures_count_anew_after_the_lock(back_office: BackOffice, alice: Operator) -> None:
    """When the lock has passed, six more are needed for the next."""
    await _fail(back_office, times=FAILURES_MAX)
    back_office.now_us += LOCKED_US

    await _fail(back_office, times=FAILURES_MAX - 1)

    assert alice == await back_office.reception.sign_in("alice", PASSWORD)


async def test_right_password_forgives(back_office: BackOffice, alice: Operator) -> None:
    """Wrong passwords before a right one count no more."""
    for _ in range(2):
        await _fail(back_office, times=FAILURES_MAX - 1)
        assert alice == await back_office.reception.sign_in("alice", PASSWORD)


async def test_guesses_at_once_get_no_further(back_office: BackOffice, alice: Operator) -> None:
    """However many guesses come at once, no more passwords are looked at than the lock allows."""
    hasher = CountingHasher()
    back_office.hasher = hasher
    reception = back_office.reception

    await asyncio.gather(*(reception.sign_in("alice", WRONG) for _ in range(20)), return_exceptions=True)

    assert FAILURES_MAX == hasher.worked.count("proves")


async def test_somebody_else_unlocks(back_office: BackOffice, alice: Operator) -> None:
    """An operator locked by wrong passwords comes in again once another has unlocked them."""
    other = await back_office.operator("bob")
    await _fail(back_office, times=FAILURES_MAX)

    await back_office.run(other, lambda work: unlock(work, "alice"))

    assert alice == await back_office.reception.sign_in("alice", PASSWORD)


@pytest.mark.parametrize("state", ["locked", "disabled"])
async def test_locked_and_disabled_stay_out(back_office: BackOffice, alice: Operator, state: str) -> None:
    """Who was locked or disabled is refused in the same words as anybody."""
    await back_office.execute("UPDATE directory.operator SET state = $1", state)

    with pytest.raises(NotSignedIn):
        await back_office.reception.sign_in("alice", PASSWORD)


async def test_old_password_is_good_for_another_only(back_office: BackOffice, alice: Operator) -> None:
    """After ninety days the operator has to choose another password, and may."""
    back_office.now_us += GOOD_US
    with pytest.raises(PasswordExpired):
        await back_office.reception.sign_in("alice", PASSWORD)

    await back_office.reception.change_password("alice", PASSWORD, "another horse 22")

    assert alice == await back_office.reception.sign_in("alice", "another horse 22")
    assert ("password.changed", "null") == (await _happenings(back_office))[-1]


async def test_given_password_is_good_for_another_only(back_office: BackOffice, alice: Operator) -> None:
    """A password that somebody else chose has to be changed first."""
    await back_office.execute("UPDATE directory.operator SET must_change = true")
    with pytest.raises(PasswordExpired):
        await back_office.reception.sign_in("alice", PASSWORD)

    await back_office.reception.change_password("alice", PASSWORD, "another horse 22")

    assert alice == await back_office.reception.sign_in("alice", "another horse 22")


async def test_password_is_changed_by_its_owner_only(back_office: BackOffice, alice: Operator) -> None:
    """Without the present password there is no other; a weak one is refused."""
    with pytest.raises(NotSignedIn):
        await back_office.reception.change_password("alice", WRONG, "another horse 22")
    with pytest.raises(PasswordTooShort):
        await back_office.reception.change_password("alice", PASSWORD, "short 1")

    assert alice == await back_office.reception.sign_in("alice", PASSWORD)


async def test_last_passwords_do_not_come_back(back_office: BackOffice, alice: Operator) -> None:
    """None of the last four passwords is taken again; the one before them is."""
    chosen = [PASSWORD, *(f"horse number {number} runs" for number in range(1, 5))]
    for old, new in pairwise(chosen):
        back_office.now_us += 1
        await back_office.reception.change_password("alice", old, new)

    for earlier in chosen[1:]:
        with pytest.raises(PasswordUsedBefore):
            await back_office.reception.change_password("alice", chosen[-1], earlier)
    await back_office.reception.change_password("alice", chosen[-1], PASSWORD)

    assert alice == await back_office.reception.sign_in("alice", PASSWORD)


async def test_first_operator_is_the_platforms(back_office: BackOffice) -> None:
    """The first operator administrates the platform, may work at once, and stands in the audit."""
    first = await back_office.reception.add_first("root", PASSWORD)

    assert (Role.PLATFORM_ADMIN, PLATFORM_ID) == (first.role, first.party_id)
    assert first == await back_office.reception.sign_in("root", PASSWORD)
    assert ["operator.first"] == [action for action, _ in await _happenings(back_office)]


async def test_there_is_one_first_operator(back_office: BackOffice) -> None:
    """Of several who would be the first at once, one is; afterwards nobody."""
    reception = back_office.reception
    tries = await asyncio.gather(
        *(reception.add_first(f"root{number}", PASSWORD) for number in range(4)), return_exceptions=True
    )

    assert 1 == sum(isinstance(each, Operator) for each in tries)
    assert 3 == sum(isinstance(each, NotTheFirst) for each in tries)
    with pytest.raises(NotTheFirst):
        await reception.add_first("late", PASSWORD)


@pytest.mark.parametrize(("name", "password"), [("Root", PASSWORD), ("", PASSWORD), ("root", "short")])
async def test_first_operator_has_name_and_password(
    back_office: BackOffice, name: str, password: str
) -> None:
    """The rules hold for the first operator too."""
    with pytest.raises((InvalidValue, PasswordTooShort)):
        await back_office.reception.add_first(name, password)
