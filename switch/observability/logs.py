"""Logs: one event per line on stderr, for machines as JSON, for people on a terminal as coloured text.

stdout belongs to what commands print. Records of libraries that use `logging` (asyncio's unhandled
exceptions, above all) take the same way, from WARNING on.

Nothing in a log may show a card number, track, PIN block or key. The first defence stands elsewhere: values
that hold such data are types whose text is masked, and messages of exceptions carry none. This module adds:

- Values are masked by type: bytes become their count, any object its own masked text. Exceptions are
  written without local variables, where most of a traceback's secrets are.
- What is text already is searched for 13 to 19 digits that pass the Luhn check, with the rest of a track
  behind them, and for the printed form of bytes, as it stands in the text of foreign exceptions.

Both apply to every line, in every format and at every level; no setting turns them off.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from enum import Enum
from typing import Final, Literal

import orjson
import structlog
from structlog.processors import ExceptionRenderer, TimeStamper, add_log_level
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from iso8583_specs.values import mask_card_numbers

LogFormat = Literal["auto", "json", "console"]

_PRINTED_BYTES: Final = re.compile(r"""\bb(?P<quote>['"])(?:\\.|(?!(?P=quote)).)*(?P=quote)""", re.DOTALL)


def configure(level: str, log_format: LogFormat) -> None:
    """Set up logging for the process; called once, before the first event.

    Args:
        level: The lowest level written: debug, info, warning or error.
        log_format: What lines look like; "auto" is "console" on a terminal and "json" elsewhere.
    """
    terminal = sys.stderr.isatty()
    console = log_format == "console" or (log_format == "auto" and terminal)
    structlog.configure(
        processors=_steps_for_people(colours=terminal) if console else _steps_for_machines(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_StandardError,
        cache_logger_on_first_use=False,  # so that a test can capture what module-level loggers say
    )
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    if _FORWARDER not in root.handlers:
        root.addHandler(_FORWARDER)


def takes_json_lines() -> bool:
    """Whether events become lines of JSON, so that who makes such lines itself may write them."""
    return _json_line in structlog.get_config()["processors"]


def get(name: str) -> FilteringBoundLogger:
    """The logger of one module: `log.warning("frame malformed", listener="pos")`."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


def mask_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Masks every value of an event; the last step before it becomes a line."""
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: object) -> object:
    """`value` as plain data that shows no card data."""
    if type(value) is str:  # most are
        return mask_text(value)
    shown: object
    match value:
        case None | bool():
            shown = value
        case Enum():
            shown = value.value if isinstance(value, str) else value.name
        case int() | float() if type(value) in {int, float}:
            shown = value
        case bytes() | bytearray() | memoryview():
            shown = f"<{memoryview(value).nbytes} bytes>"
        case Mapping():
            shown = {mask_text(str(key)): _masked(item) for key, item in value.items()}
        # Only the plain types are looked into: a subclass may hide what it holds behind its own text.
        case list() | tuple() | set() | frozenset() if type(value) in {list, tuple, set, frozenset}:
            shown = [_masked(item) for item in value]
        case BaseException():
            shown = mask_text(f"{type(value).__name__}: {value}")
        case _:
            shown = mask_text(str(value))
    return shown


def mask_text(text: str) -> str:
    """`text` without what looks like a card number, a track or the printed form of bytes."""
    text = mask_card_numbers(text)
    if "b'" in text or 'b"' in text:
        text = _PRINTED_BYTES.sub("<bytes>", text)
    return text


def _json_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    try:
        return orjson.dumps(event).decode()
    except TypeError:  # an integer over 64 bits, or text that is not Unicode
        return json.dumps(event)


def _add_logger_name(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


_FIRST_STEPS: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    add_log_level,
    _add_logger_name,
    TimeStamper(fmt="iso", utc=True),
)


def _steps_for_machines() -> list[Processor]:
    exceptions = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    return [*_FIRST_STEPS, exceptions, mask_event, _json_line]


def _steps_for_people(*, colours: bool) -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colours and not os.environ.get("NO_COLOR"),
        exception_formatter=structlog.dev.plain_traceback,
    )
    return [*_FIRST_STEPS, structlog.processors.format_exc_info, mask_event, renderer]


class _StandardError:
    """Writes lines to whatever stderr is at that moment."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = self.exception = self.msg

    def msg(self, line: str) -> None:
        """Writes one line, in one piece."""
        sys.stderr.write(line + "\n")


class _Forwarder(logging.Handler):
    """Hands the records of libraries to our chain."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record becomes one event."""
        known_level = min(record.levelno // 10 * 10, logging.CRITICAL)
        get(record.name).log(known_level, record.getMessage(), exc_info=record.exc_info)


_FORWARDER: Final = _Forwarder()
