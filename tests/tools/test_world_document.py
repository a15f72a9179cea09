"""The world's document is written piece by piece and is one JSON document in the end."""

import io
import json

from tools.demo_parties import DemoTerminal, demo_card
from tools.demo_seed import DemoSeed
from tools.world import WorldCard
from tools.world_document import WorldDocument

LISTENER = {"name": "pos", "host": "127.0.0.1", "port": 8583, "dialect": "unionpay_pos"}


def test_document(seed: DemoSeed, party: DemoTerminal) -> None:
    """Listeners, terminals and cards are there as promised, in the clear."""
    out = io.BytesIO()
    document = WorldDocument(out)
    cards = [demo_card(seed, number) for number in (1, 2, 3)]
    document.begin([{"name": "pos", "host": "127.0.0.1", "port": 8583, "dialect": "unionpay_pos"}], [party])
    document.add_cards([WorldCard(cards[0], 100), WorldCard(cards[1], 200)])
    document.add_cards([WorldCard(cards[2], 300)])
    document.end()

    written = json.loads(out.getvalue())

    assert written["listeners"] == [LISTENER]
    assert written["terminals"] == [
        {
            "terminal_id": "T0000001",
            "merchant_id": "990001000000001",
            "tpdu": "6000030000",
            "header": "602200000000",
            "tmk": seed.terminal_master_key(1).hex().upper(),
        }
    ]
    assert [card["balance_minor"] for card in written["cards"]] == [100, 200, 300]
    assert written["cards"][0] == {
        "pan": "9900010000000000018",
        "expiry": "3112",
        "track2": "9900010000000000018=31122200000000000",
        "pin": seed.pin(1),
        "balance_minor": 100,
        "currency": "156",
    }


def test_document_without_cards() -> None:
    """A world of nothing is a document too."""
    out = io.BytesIO()
    document = WorldDocument(out)
    document.begin([], [])
    document.end()

    assert json.loads(out.getvalue()) == {"listeners": [], "terminals": [], "cards": []}
