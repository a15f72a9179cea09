"""The log's line of each transaction: complete, masked, and written in batches."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from ledger.outcome import Outcome
from switch.observability import logs
from switch.observability.transaction_log import TransactionLog

PAN_LIKE = "4012345678909"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Logging is as before afterwards."""
    yield
    structlog.reset_defaults()


def note(log: TransactionLog, merchant_id: str = "990001000000001") -> None:
    """Note a purchase."""
    log.note(
        "purchase", Outcome.APPROVED, "00003I9Z7IF5", merchant_id, "T0000001", "000001", "000007",
        1250, 1_795_338_147_472_355, 0.00123,
    )  # fmt: skip


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines since the last look."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


async def test_line_says_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    """A line names transaction, outcome, terminal and time; it leaves within a twentieth of a second."""
    logs.configure("info", "json")
    note(TransactionLog(enabled=True))

    assert [] == lines(capsys)
    await asyncio.sleep(0.1)

    assert [
        {
            "kind": "purchase",
            "outcome": "approved",
            "rrn": "00003I9Z7IF5",
            "merchant": "990001000000001",
            "terminal": "T0000001",
            "batch": "000001",
            "stan": "000007",
            "amount_minor": 1250,
            "ms": 1.23,
            "event": "transaction",
            "level": "info",
            "logger": "switch.transaction",
            "timestamp": "2026-11-22T09:02:27.472355Z",
        }
    ] == lines(capsys)


async def test_names_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """A card number sent as merchant doesn't reach the log; flushing writes at once."""
    logs.configure("info", "json")
    log = TransactionLog(enabled=True)
    note(log, PAN_LIKE)
    log.flush()

    assert ["401234***8909"] == [line["merchant"] for line in lines(capsys)]


async def test_nothing_below_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    """Where info isn't wanted nothing is made."""
    logs.configure("info", "json")
    log = TransactionLog(enabled=False)
    note(log)
    log.flush()

    assert [] == lines(capsys)


async def test_console_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """For people the line is an event like every other."""
    logs.configure("info", "console")
    note(TransactionLog(enabled=True))

    written = capsys.readouterr().err
    assert "transaction" in written
    assert "approved" in written
