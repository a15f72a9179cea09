"""The canonical request shows nothing of what it carries."""

from iso8583_specs.message import Message
from switch.vocabulary.model import Request, Service


def test_request_names_itself_without_its_card() -> None:
    """A request's text has service, terminal, batch and STAN, and nothing else of its message."""
    message = Message("0200", {2: "9900010000000000019", 35: "9900010000000000019=3112"})
    request = Request(Service.PURCHASE, message, terminal_id="T0000001", batch="000001", stan="000007")

    assert repr(request) == "<Request purchase T0000001 000001/000007>"
