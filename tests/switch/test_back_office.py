"""The back office, joined."""

from directory.rights import RIGHTS
from switch.back_office import CARRIED_OUT, reception_of
from switch.bootstrap import Workbench
from switch.config import Settings
from switch.shell.clock import Clock
from tests.switch.shop import World


def test_whatever_needs_approval_can_be_carried_out() -> None:
    """Every action that needs four eyes is carried out once approved, and no other is in the table."""
    assert {action for action, rule in RIGHTS.items() if rule.needs_four_eyes} == set(CARRIED_OUT)


async def test_passwords_are_proven_by_argon2id(world: World) -> None:
    """What is stored of a password is Argon2id with 64 MiB, three passes and a salt of its own."""
    reception = reception_of(Workbench(Settings(), world.dsn, world.hsm, Clock("UTC")))

    one, other = [await reception.proof("alice", "correct horse battery 1") for _ in range(2)]

    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert one != other
