"""PINs and terminal keys derive from a seed that exists once in a home and never in production."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.demo_seed import BadDemoSeed, DemoForbidden, DemoSeed, demo_folder, load_demo_seed

FILE = Path("demo") / "DEMO-SEED.hex"


def test_seed_is_made_at_first_use_and_kept(tmp_path: Path) -> None:
    """The second use finds the seed of the first; its file is its owner's alone."""
    first = load_demo_seed(tmp_path, "development")

    assert first == load_demo_seed(tmp_path, "development")
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "demo").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["DEMO-SEED.hex"]


def test_who_comes_second_at_the_same_time_takes_the_first_seed(tmp_path: Path) -> None:
    """A seed that appears while one is being drawn is the home's seed."""

    def drawn_too_late(length: int) -> bytes:
        load_demo_seed(tmp_path, "development", lambda length: b"1" * length)
        return b"2" * length

    assert DemoSeed(b"1" * 32) == load_demo_seed(tmp_path, "development", drawn_too_late)


@pytest.mark.parametrize("use", [demo_folder, load_demo_seed])
def test_production_has_no_demo(tmp_path: Path, use: Callable[[Path, str], object]) -> None:
    """In production nothing is made, and what is there is not read."""
    with pytest.raises(DemoForbidden):
        use(tmp_path, "production")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "00" * 31, "00" * 33, "0G" * 32, "AA" * 32, "é"])
def test_other_file_is_refused(tmp_path: Path, content: str) -> None:
    """A seed is 64 lower-case hex digits; the error names the file and not its content."""
    file = tmp_path / FILE
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8")

    with pytest.raises(BadDemoSeed, match=r"DEMO-SEED\.hex does not hold 64 lower-case hex digits"):
        load_demo_seed(tmp_path, "development")


def test_pins_are_six_digits_and_differ(seed: DemoSeed) -> None:
    """Each card's PIN is six digits, drawn evenly."""
    pins = [seed.pin(card) for card in range(1, 1001)]

    assert all(len(pin) == 6 and pin.isdigit() for pin in pins)
    assert len(set(pins)) > 990
    assert {pin[0] for pin in pins} == set("0123456789")


def test_terminal_keys_are_sound_and_differ(seed: DemoSeed) -> None:
    """Each terminal's key has 16 bytes of odd parity and two different halves."""
    keys = [seed.terminal_master_key(terminal) for terminal in range(1, 101)]

    assert len(keys) == len(set(keys))
    for key in keys:
        assert len(key) == 16
        assert all(byte.bit_count() % 2 for byte in key)
        assert key[:8] != key[8:]


def test_derivation_never_changes(seed: DemoSeed) -> None:
    """A world made long ago keeps its PINs and keys."""
    assert (seed.pin(1), seed.terminal_master_key(1).hex(), seed.mark) == (
        "803642",
        "1a0b79f1495df70d644c01b5b3a7a17f",
        "a3107b94",
    )


def test_another_seed_gives_another_world(seed: DemoSeed) -> None:
    """Nothing derived is the same under another seed."""
    other = DemoSeed(b"\xff" * 32)

    assert seed.pin(1) != other.pin(1)
    assert seed.terminal_master_key(1) != other.terminal_master_key(1)
    assert seed.mark != other.mark


def test_seed_hides_itself(seed: DemoSeed) -> None:
    """The seed's bytes are not in its repr."""
    assert repr(seed) == "DemoSeed()"
