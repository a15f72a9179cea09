"""The back office, joined: office and reception of this installation, with what they need of the HSM.

`directory` knows neither the HSM nor the ledger. What its services need of them is handed over here, and so
is the table of what an approved proposal does: each module says how its own actions are carried out.
"""

import os
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Final

from directory import card_batches, fee_plans, merchants, operators, product_service, terminals
from directory.office import CarryOut, Office
from directory.reading import Connection
from directory.reception import Reception
from directory.rights import Action
from hsm_soft.passphrase import passphrase_proof, proves
from switch.bootstrap import Workbench

__all__ = ["CARRIED_OUT", "office_of", "office_on", "reception_of"]


class _Argon2id:
    """Operators' passwords are proven as officers' passphrases are."""

    def proof(self, password: str) -> str:
        """Argon2id in PHC form, with a salt of its own."""
        return passphrase_proof(password, os.urandom)

    def proves(self, proof: str, password: str) -> bool:
        """Whether a password is the one that a proof was made of."""
        return proves(proof, password)


_HASHER: Final = _Argon2id()


CARRIED_OUT: Final[Mapping[Action, CarryOut]] = {
    **operators.CARRIED_OUT,
    **product_service.CARRIED_OUT,
    **card_batches.CARRIED_OUT,
    **merchants.CARRIED_OUT,
    **fee_plans.CARRIED_OUT,
    **terminals.CARRIED_OUT,
}
"""How every action that needs four eyes is carried out once it is approved."""


def office_of(bench: Workbench) -> Office:
    """Where operators work on this installation's directory."""
    return Office(bench.connection, bench.clock.now_us, CARRIED_OUT)


def office_on(bench: Workbench, connection: Connection) -> Office:
    """The office with one session for all its work, one piece after the other."""
    return Office(lambda: nullcontext(connection), bench.clock.now_us, CARRIED_OUT)


def reception_of(bench: Workbench) -> Reception:
    """Where its operators sign in."""
    return Reception(bench.connection, bench.clock.now_us, _HASHER)
