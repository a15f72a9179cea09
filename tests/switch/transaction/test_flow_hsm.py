"""When the HSM goes away: 96 where nothing was done, silence where a MAC is missing, nothing unchecked."""

from typing import Any

import pytest

from hsm_soft.interface import Hsm, HsmUnavailable
from ledger.identity import TransactionKind
from ledger.outcome import Outcome
from tests.switch.shop import BALANCE_MINOR, HsmElsewhere, Node


class Lacks(HsmElsewhere):
    """An HSM that goes away whenever one operation is asked."""

    def __init__(self, hsm: Hsm, lost: str) -> None:
        super().__init__(hsm)
        self._lost = lost

    async def ask(self, operation: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Do it, or be gone."""
        if operation.__name__ == self._lost:
            raise HsmUnavailable("the HSM is gone")
        return await super().ask(operation, *args, **kwargs)


@pytest.mark.parametrize("lost", ["verify_pos_mac", "pan_index", "verify_pin", "fingerprint"])
async def test_a_check_that_cannot_be_made_is_96(node: Node, lost: str) -> None:
    """Without a verdict on MAC, card or PIN nothing is posted; the same request is approved later."""
    terminal, card = await node.terminal(), await node.card()
    without = node.with_parts(hsm=Lacks(node.parts.hsm, lost))
    purchase = terminal.purchase(card)

    answer = await without.ask(terminal, purchase)

    assert answer.fields[39] == "96"
    assert not {38, 64} & answer.fields.keys()
    assert not await node.journalled(terminal, TransactionKind.PURCHASE)
    assert await node.code(terminal, purchase) == "00"


async def test_an_answer_without_a_mac_does_not_leave(node: Node) -> None:
    """What was posted and can't be authenticated is answered by silence; a repeat hears it, once posted."""
    terminal, card = await node.terminal(), await node.card()
    without = node.with_parts(hsm=Lacks(node.parts.hsm, "pos_mac"))
    purchase = terminal.purchase(card, 100)

    silence = await without.answer(terminal.sealed(purchase))

    assert silence is None
    assert await node.code(terminal, purchase) == "00"
    assert [Outcome.APPROVED] == await node.journalled(terminal, TransactionKind.PURCHASE)
    assert await node.balance_of(card) == BALANCE_MINOR - 100
