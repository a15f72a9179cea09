"""An HSM, and tables of what happens to money, played in both ways in which requests may fall into groups."""

from collections.abc import Callable
from random import Random
from typing import TypeAlias

import pytest

from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import InProcessHsm
from hsm_soft.key_block import KeyBlockProtection, KeyUsage
from hsm_soft.master_key import MasterKey
from hsm_soft.named_keys import new_named_keys
from ledger.sealer import Sealer
from switch.shell.wallet_sealer import WalletSealer

from .money_table import Table, run

Play: TypeAlias = Callable[[str], Table]


@pytest.fixture(params=[False, True], ids=["a group each", "one group"])
def play(request: pytest.FixtureRequest) -> Play:
    """Plays a table, grouped in one of the two ways."""
    return lambda text: run(text, together=request.param)


@pytest.fixture(scope="session")
def sealer() -> Sealer:
    """A real HSM with reproducible keys, as the ledger sees it."""
    random = Random(8583).randbytes
    master_key = MasterKey(random(32), development=True, created=False)
    keys = new_named_keys(KeyBlockProtection(master_key.key), random)
    hsm = SoftHsm(master_key, {key.id: key.key_block for key in keys})
    hsm.load_data_keys([hsm.new_data_key(KeyUsage.WALLET_SEALING, 1)])
    return WalletSealer(InProcessHsm(hsm), _nothing_to_learn)


async def _nothing_to_learn() -> None:
    """There is one data key."""
