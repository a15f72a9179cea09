"""The commands as a user runs them: their output, and their exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("cardswitch")


class Home:
    """A home, and the commands run on it."""

    def __init__(self, folder: Path) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CARDSWITCH_")}
        self.folder = folder
        self.environment = inherited | {
            "CARDSWITCH_HOME": str(folder),
            "CARDSWITCH_LISTENERS__POS__PORT": "0",
            "CARDSWITCH_OBSERVABILITY__PORT": "0",
            "CARDSWITCH_DATABASE__SHARED_BUFFERS_MB": "32",
        }

    def run(self, *arguments: str, status: int = 0, stdin: str = "", **settings: str) -> tuple[str, str]:
        """Run one command to its end; what it wrote to stdout and stderr."""
        done = subprocess.run(
            [COMMAND, *arguments],
            env=self.environment | settings,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert status == done.returncode, done.stderr
        return done.stdout, done.stderr

    @contextmanager
    def started(self, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """A command that runs on; stopped at the end of the block if it still does."""
        # A shell starts background jobs with Ctrl-C ignored; a child inherits that, but not a handler.
        inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            command = subprocess.Popen(
                [COMMAND, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
        finally:
            signal.signal(signal.SIGINT, inherited)
        with command as process:
            try:
                yield process
            finally:
                process.terminate()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with nothing running on it."""
    return Home(tmp_path_factory.mktemp("commands") / "home")


def verdicts(out: str) -> set[str]:
    """What the demo's table says of its rows, each once."""
    return {line[:2] for line in out.split("got\n")[1].splitlines()}


def test_demo(home: Home) -> None:
    """The demo shows a morning in which everything is as expected."""
    out, _ = home.run("demo")

    assert verdicts(out) == {"ok"}, out


def test_kept_running_beside_a_demo(home: Home) -> None:
    """`--keep-running` says what to try and ends with 0 when told; the demo plays again beside it."""
    with home.started("demo", "--keep-running") as served:
        assert served.stdout is not None
        said = "".join(iter(served.stdout.readline, "Ctrl-C here stops it\n"))
        out, _ = home.run("demo")
        played = Played(
            home, *_found(r"listening on .*:(\d+);", said), *_found(r"cardswitch pos (\S+)", said)
        )
        served.terminate()
        served.wait(timeout=30)

    assert verdicts(out) == {"ok"}, out
    assert "purchase of 12.50 with card 990001*********0018\n" in played.in_words
    assert [exchange["as_expected"] for exchange in played.as_json["exchanges"]] == [True] * 15
    assert "!!      expected 51 not enough money" in played.unexpected
    assert served.returncode == 0


class Played:
    """What `cardswitch pos` makes of the example script, in three ways."""

    def __init__(self, home: Home, port: str, script: str) -> None:
        self.in_words, _ = home.run("pos", script, "--port", port)
        self.as_json = json.loads(home.run("pos", script, "--port", port, "--json")[0])
        self.unexpected, _ = home.run(
            "pos", "-", "--port", port, stdin="terminal 1\necho expect=51", status=1
        )


def _found(pattern: str, text: str) -> tuple[str, ...]:
    match = re.search(pattern, text)
    assert match, text
    return match.groups()


def test_demo_is_stopped_by_ctrl_c(home: Home) -> None:
    """Ctrl-C ends the demo and its switch in order."""
    with home.started("demo") as demo:
        assert demo.stdout is not None
        demo.stdout.readline()
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=30)
    log = (home.folder / "demo" / "switch.log").read_text()

    assert demo.returncode == 130
    assert "node stopped" in log.splitlines()[-1]


def test_pos_needs_a_switch(home: Home) -> None:
    """Without a switch the terminal says that nobody answers; without a port, what to say."""
    _, refused = home.run("pos", "-", "--port", "9", stdin="terminal 1\nsign-on", status=1)
    _, unknown = home.run("pos", "-", stdin="terminal 1\nsign-on", status=2)

    assert refused.endswith("cardswitch: nobody answers at 127.0.0.1:9: Connection refused\n")
    assert unknown.endswith("no port is configured for POS terminals; say --port\n")


def test_pos_refuses_a_wrong_script(home: Home) -> None:
    """A script that can't be played is an error of use; nothing is sent."""
    _, err = home.run("pos", "-", "--port", "9", stdin="terminal 1\nbuy", status=2)

    assert "cardswitch: line 2: there is no such step" in err


@pytest.mark.parametrize("arguments", [("world",), ("pos", "-"), ("demo",)])
def test_production_has_no_demo(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """None of the three runs in production, and none leaves anything behind."""
    home = Home(tmp_path / "home")
    key = tmp_path / "master.key"
    _, err = home.run(
        *arguments, status=1, CARDSWITCH_ENVIRONMENT="production", CARDSWITCH_HSM__MASTER_KEY_FILE=str(key)
    )

    assert "Demo cards and terminals must not exist in production." in err
    assert not home.folder.exists()
    assert not key.exists()


def test_world_is_json_and_quiet(home: Home) -> None:
    """The document on stdout is the same with and without `--json`; `--quiet` keeps progress back."""
    document, progress = home.run("world", "--terminals", "3", "--cards", "5")
    again, quiet = home.run("world", "--terminals", "3", "--cards", "5", "--json", "--quiet")

    assert document == again
    assert "5 of 5 cards" in progress
    assert "cards" not in quiet
    assert [len(json.loads(document)[part]) for part in ("terminals", "cards")] == [3, 5]
