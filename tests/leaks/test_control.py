"""The control: a suite that shows a secret fails, on one process and on several, and says where."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAKING = """
import logging

import pytest

from hsm_soft.pin_block import PinBlockFormat, write_pin
from hsm_soft.primitives import aes_encryptor, des_encryptor
from iso8583_specs.message import Message
from iso8583_specs.values import Pan
from tests.leaks.heard import overheard

KEY, PAN, PIN = bytes(range(65, 81)), "9900017364510982736", "739251846207"


@pytest.fixture(autouse=True)
def secrets():
    des_encryptor(KEY)
    write_pin(PinBlockFormat.ISO_0, des_encryptor(KEY), PIN, Pan(PAN).clear, bytes)


def test_clean():
    with pytest.raises(ValueError):
        raise ValueError("not a key")


def test_prints():
    print("the PIN is", PIN)


def test_logs():
    logging.getLogger("x").debug("key %s", KEY.hex())


def test_raises():
    with pytest.raises(KeyError):
        try:
            raise ValueError(f"bad card {PAN}")
        except ValueError as error:
            raise KeyError("bad") from error


def test_starts_what_logs_elsewhere():
    overheard("the log of a switch", f"frame {KEY.hex(' ')}")


class Careless(Message):
    def __repr__(self):
        return f"<{KEY!r}>"


Careless.__module__ = "switch.careless"


@pytest.fixture
def careless():
    return Careless("0200")


def test_has_a_careless_argument(careless):
    pass
"""
LEAKS = {
    "test_prints": "captured stdout call holds a PIN",
    "test_logs": "captured log call holds a key",
    "test_starts_what_logs_elsewhere": "the log of a switch holds a key",
    "test_raises": "an exception holds a card number",
    "test_has_a_careless_argument": "what careless prints of itself holds a key",
}


@pytest.mark.parametrize("processes", [0, 2])
def test_a_leak_fails_the_test_that_leaks(tmp_path: Path, processes: int) -> None:
    """Each of them by its kind and place, without the secret; the clean one passes."""
    suite = tmp_path / "test_leaking.py"
    suite.write_text(LEAKING, encoding="ascii")
    options = (
        "-p",
        "tests.leaks.plugin",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        str(tmp_path),
    )

    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *options,
            "-n",
            str(processes),
            "-rE",
            "--show-capture=no",
            str(suite),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "6 passed, 5 errors" in ran.stdout
    for name, leak in LEAKS.items():
        assert f"{name}" in ran.stdout
        assert f"leak: {leak} in clear" in ran.stdout
    assert "739251846207" not in ran.stdout
