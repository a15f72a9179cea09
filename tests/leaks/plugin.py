"""Holds every test of the suite to it: nothing clear in logs, output, exceptions, reprs and database.

Loaded for every run. It learns what is secret where it passes by: each key given to a cipher or put into a
key block, each PIN that a block is read or made of, each card number that becomes one. And it collects, at
the lowest level of logging, what a test made the program say: captured output and log records, the texts of
every exception that the test expects, the text and repr of what its fixtures and arguments are, the rows of
its database before they go. A test that shows a secret fails at its end, by kind and place, on whatever
worker it ran. Servers that tests start log to files, which whoever stops them hands over (`overheard`).

Nothing is searched that is meant to show something: what commands print when a test runs them, the names of
tests (published keys stand in some), and the lines of test files in a traceback.
"""

import sys
import traceback
from collections.abc import Callable, Generator
from enum import Enum
from types import TracebackType
from typing import Any, Final

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4

from hsm_soft import pan, pin_block
from hsm_soft.key_block import KeyBlockProtection
from iso8583_specs.values import Pan
from tests.leaks.heard import WATCH, overheard

PACKAGES: Final = (
    "directory",
    "hsm_soft",
    "iso8583_specs",
    "ledger",
    "routing",
    "storage",
    "switch",
    "tools",
)


def pytest_configure(config: pytest.Config) -> None:
    """Listen at the lowest level, and to the exceptions that tests expect."""
    config.addinivalue_line("markers", "plants(why): shows a secret on purpose, where pytest hears it")
    config.option.log_level = config.option.log_level or "DEBUG"
    expect = pytest.raises

    def expecting(*args: Any, **kwargs: Any) -> Any:
        return _Expecting(expect(*args, **kwargs))

    pytest.raises = expecting


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """A fixture that outlives its test has secrets that do."""
    if fixturedef.scope == "function":
        return (yield)
    with WATCH.lasting():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at what a test's arguments print of themselves, and in the end at all that was heard."""
    report = yield
    if report.when == "call":
        for name, value in getattr(item, "funcargs", {}).items():
            # Members of an enumeration are constants of the program: one lists the hexadecimal digits.
            if type(value).__module__.partition(".")[0] in PACKAGES and not isinstance(value, Enum):
                overheard(f"what {name} prints of itself", f"{value!r} {value!s}")
    if report.when == "teardown":
        for section, text in report.sections:
            overheard(section.lower(), text)
        found = WATCH.ended()
        if found and report.passed and not item.get_closest_marker("plants"):
            report.outcome = "failed"
            report.longrepr = "\n".join(f"leak: {where} holds a {kind} in clear" for where, kind in found)
    return report


def _learn_keys() -> None:
    for cipher in (AES, SM4, TripleDES):
        _note_before(cipher, "__init__", lambda _, key: WATCH.learning.add_key(bytes(key)))
    _note_before(KeyBlockProtection, "wrap", lambda _, __, key, *___, **____: WATCH.learning.add_key(key))
    _note_after(KeyBlockProtection, "open", lambda opened, *_: WATCH.learning.add_key(opened[1]))


def _learn_cards() -> None:
    """Modules take functions by name when they are imported, so this comes before they are."""
    assert "hsm_soft.pin" not in sys.modules, "the watch has to come before what it watches"
    _note_before(Pan, "__post_init__", lambda self: WATCH.learning.add_pan(self.clear))
    _note_before(pan, "pan_digits", _learn_pan)
    pin_block.pin_reader = _learning(pin_block.pin_reader)
    _note_before(
        pin_block, "write_pin", lambda _, __, digits, number, ___: WATCH.learning.add_card(number, digits)
    )
    from hsm_soft import pin

    _note_before(pin, "make_reference", lambda _, digits, *__: WATCH.learning.add_pin(digits))


def _learn_pan(digits: str) -> None:
    WATCH.learning.add_pan(digits)


def _learning(reader_of: Callable[..., pin_block.PinReader]) -> Callable[..., pin_block.PinReader]:
    """`pin_reader` whose readers note what they read."""

    def learning_reader_of(*arguments: Any) -> pin_block.PinReader:
        read = reader_of(*arguments)

        def learning(block: bytes, number: str) -> tuple[str, bool]:
            digits, well_formed = read(block, number)
            if well_formed and digits.isdigit():
                WATCH.learning.add_card(number, digits)
            return digits, well_formed

        return learning

    return learning_reader_of


def _note_before(owner: object, name: str, note: Callable[..., None]) -> None:
    inner = getattr(owner, name)

    def noting(*args: Any, **kwargs: Any) -> Any:
        note(*args, **kwargs)
        return inner(*args, **kwargs)

    setattr(owner, name, noting)


def _note_after(owner: object, name: str, note: Callable[..., None]) -> None:
    inner = getattr(owner, name)

    def noting(*args: Any, **kwargs: Any) -> Any:
        result = inner(*args, **kwargs)
        note(result, *args)
        return result

    setattr(owner, name, noting)


class _Expecting:
    """What `pytest.raises` gives, and an ear for what is raised."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def __enter__(self) -> Any:
        return self._context.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        if error is not None:
            overheard("an exception", said_by(error))
        return self._context.__exit__(kind, error, trace)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


def said_by(error: BaseException | None) -> str:
    """Every text of an exception and of what it was raised from; without lines of files."""
    said: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        said += [*traceback.format_exception_only(error), repr(error), repr(getattr(error, "__dict__", ""))]
        error = error.__cause__ or error.__context__
    return "\n".join(said)


_learn_keys()
_learn_cards()
