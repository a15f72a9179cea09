"""Settings: where they come from, which one wins, and how every mistake is reported."""

import os
import re
import tomllib
import zoneinfo
from collections.abc import Callable
from pathlib import Path

import pydantic
import pytest

from switch.config import Listener, Settings, SettingsError, load_settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of ours, and an empty working directory."""
    for name in os.environ:
        if name.startswith("CARDSWITCH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a settings file."""

    def write_file(text: str) -> Path:
        file = tmp_path / "settings.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write_file


def problems(file: Path | None = None) -> list[str]:
    """The lines of the error, the file's folder left out."""
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    return [line.removeprefix(f"{Path.cwd()}/") for line in str(caught.value).splitlines()]


def test_without_anything_the_defaults_stand(tmp_path: Path) -> None:
    """Without file and variables a development node runs under ./var."""
    settings = load_settings(None)

    assert tmp_path / "var" == settings.home
    assert {"pos": Listener()} == settings.listeners
    assert Settings(home=tmp_path / "var") == settings


def test_variable_stands_above_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable overrides its key of the file and leaves the keys beside it alone."""
    file = write('[listeners.pos]\nhost = "0.0.0.0"\nport = 1\n[stop]\ndrain_seconds = 3')
    monkeypatch.setenv("CARDSWITCH_LISTENERS__POS__PORT", "2")
    monkeypatch.setenv("CARDSWITCH_OBSERVABILITY__METRICS", "false")

    settings = load_settings(file)

    assert {"pos": Listener(host="0.0.0.0", port=2)} == settings.listeners
    assert (settings.stop.drain_seconds, settings.observability.metrics) == (3.0, False)


def test_variables_alone_make_a_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that only variables name takes its other keys from the defaults."""
    monkeypatch.setenv("CARDSWITCH_LISTENERS__SHOP_1__PORT", "7000")

    assert {"shop_1": Listener(port=7000)} == load_settings(None).listeners


def test_variable_takes_back_what_the_file_says(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable means none for a key that may be absent."""
    file = write('[hsm]\nmaster_key_file = "/k"\n[database]\ndsn = "postgresql://h/d"\nshared_buffers_mb = 9')
    for key in ("HSM__MASTER_KEY_FILE", "DATABASE__DSN", "DATABASE__SHARED_BUFFERS_MB"):
        monkeypatch.setenv(f"CARDSWITCH_{key}", "")

    settings = load_settings(file)

    assert settings.hsm.master_key_file is None
    assert (settings.database.dsn, settings.database.shared_buffers_mb) == ("", None)


def test_named_file_wins_over_the_variable(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the command line is read, not the one CARDSWITCH_CONFIG names."""
    monkeypatch.setenv("CARDSWITCH_CONFIG", "/nowhere.toml")

    assert load_settings(write("[stop]\ndrain_seconds = 1")).stop.drain_seconds == 1.0


def test_variable_names_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """CARDSWITCH_CONFIG names the file when the command line doesn't."""
    monkeypatch.setenv("CARDSWITCH_CONFIG", str(write("[stop]\ndrain_seconds = 1")))

    assert load_settings(None).stop.drain_seconds == 1.0


def test_home_has_the_default_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a named file the one in the home folder is read."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "cardswitch.toml").write_text("[stop]\ndrain_seconds = 1")
    monkeypatch.setenv("CARDSWITCH_HOME", "home")

    settings = load_settings(None)

    assert (home, 1.0) == (settings.home, settings.stop.drain_seconds)


def test_settings_cannot_be_changed() -> None:
    """Settings are frozen, tables included."""
    settings = load_settings(None)

    with pytest.raises(pydantic.ValidationError):
        settings.stop.drain_seconds = 1.0


@pytest.mark.parametrize("name", ["CARDSWITCH_TEST_DSN", "CARDSWITCH_OPERATOR_PASSWORD"])
def test_some_variables_are_not_settings(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Variables of the test suite and operators' passwords pass by."""
    monkeypatch.setenv(name, "postgresql://somewhere")

    assert Settings() == load_settings(None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("extra = 1", "extra: unknown key"),
        ("[database]\nhost = 1", "database.host: unknown key"),
        ("[listeners.pos]\nprot = 1", "listeners.pos.prot: unknown key"),
        ("database = 1", "database: Input should be a valid dictionary or instance of Database"),
        ("[listeners]", "listeners: Dictionary should have at least 1 item after validation, not 0"),
        ("[listeners.pos]\nport = 65536", "listeners.pos.port: Input should be less than or equal to 65535"),
        (
            "[listeners.pos]\nin_flight_max = 255",
            "listeners.pos.in_flight_max: Input should be greater than or equal to 256",
        ),
        ("[listeners.a]\n[listeners.b]", "listeners.b.port: the address is that of listener a"),
        ("[stop]\ndrain_seconds = inf", "stop.drain_seconds: Input should be a finite number"),
        ("[stop]\ndrain_seconds = 0", "stop.drain_seconds: Input should be greater than 0"),
        ('home = ""', "home: must not be empty"),
        (
            '[clock]\ntime_zone = "Mars/Olympus"',
            "clock.time_zone: no such time zone; names look like Asia/Shanghai",
        ),
        (
            '[clock]\ntime_zone = "/etc/hosts"',
            "clock.time_zone: no such time zone; names look like Asia/Shanghai",
        ),
        ('[clock]\ntime_zone = "Asia"', "clock.time_zone: no such time zone; names look like Asia/Shanghai"),
        (
            '[observability]\nlog_format = "xml"',
            "observability.log_format: Input should be 'auto', 'json' or 'console'",
        ),
        (
            'environment = "production"',
            "hsm.master_key_file: required in production; the development key protects nothing",
        ),
    ],
)
def test_mistake_in_the_file_is_named(write: Write, text: str, line: str) -> None:
    """A wrong key of the file is reported with file, key and reason."""
    assert [f"settings.toml: {line}"] == problems(write(text))


@pytest.mark.parametrize("name", ["Shop", "a b", "a__b", "1a", "_a", ""])
def test_listener_name_fits_metrics_and_variables(write: Write, name: str) -> None:
    """A listener's name that a label or a variable couldn't carry is refused."""
    (line,) = problems(write(f'[listeners."{name}"]'))

    assert line.startswith(f"settings.toml: listeners.{name}: String should match pattern")


def test_dialect_that_cannot_carry_keys_is_not_served(write: Write) -> None:
    """A profile whose field 62 is text could not answer a sign-on, so no listener may speak it."""
    (line,) = problems(write('[listeners.pos]\ndialect = "unionpay_pos.hex_62"'))

    assert line.startswith("settings.toml: listeners.pos.dialect: must be one of unionpay_pos, ")
    assert "hex_62" not in line


def test_listener_may_speak_a_dialect_of_ones_own(write: Write, tmp_path: Path, own_dialects: None) -> None:
    """What a dialect file describes can be named as what the product has."""
    (tmp_path / "shop_b.toml").write_text('extends = "unionpay_pos"')

    settings = load_settings(
        write('[dialects]\nfiles = ["shop_b.toml"]\n[listeners.pos]\ndialect = "unionpay_pos.shop_b"')
    )

    assert settings.listeners["pos"].dialect == "unionpay_pos.shop_b"
    assert settings.dialects.files == (tmp_path / "shop_b.toml",)


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        ('["none.toml"]', ["none.toml: No such file or directory"]),
        ("[5]", ["settings.toml: dialects.files.0: Input is not a valid path for <class 'pathlib.Path'>"]),
        ("5", ["settings.toml: dialects.files: Input should be a valid tuple"]),
    ],
)
def test_mistake_in_a_dialect_file_is_one_of_the_settings(write: Write, files: str, lines: list[str]) -> None:
    """It is told with the others, by the file it is in."""
    assert lines == problems(write(f"[dialects]\nfiles = {files}"))


@pytest.mark.parametrize("key", ["dialect", "framing"])
def test_unknown_dialect_and_framing_are_refused(write: Write, key: str) -> None:
    """A listener speaks only what the product can, over a framing for streams; names are listed."""
    (line,) = problems(write(f'[listeners.pos]\n{key} = "none"'))

    assert line.startswith(f"settings.toml: listeners.pos.{key}: must be one of {getattr(Listener(), key)}, ")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("LOG_LEVEL", "info", "log_level: unknown key"),
        ("HOME__X", "1", "home.x: unknown key"),
        ("DATABASE__HOST", "a", "database.host: unknown key"),
        ("STOP", '{"drain_seconds": 1}', "stop: Input should be a valid dictionary or instance of Stop"),
        ("HOME", "", "home: must not be empty"),
        ("ENVIRONMENT", "prod", "environment: Input should be 'development' or 'production'"),
        (
            "LISTENERS__POS__PORT",
            "http",
            "listeners.pos.port: Input should be a valid integer, unable to parse string as an integer",
        ),
    ],
)
def test_mistake_in_a_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, write: Write, name: str, value: str, line: str
) -> None:
    """A wrong or unknown variable is reported by its name, also when there is a file."""
    monkeypatch.setenv(f"CARDSWITCH_{name}", value)

    assert [f"CARDSWITCH_{name}: {line}"] == problems(write(""))


def test_missing_key_is_named_as_a_variable_without_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file is read, a missing key is reported as the variable that would set it."""
    monkeypatch.setenv("CARDSWITCH_ENVIRONMENT", "production")

    (line,) = problems()

    assert line.startswith("CARDSWITCH_HSM__MASTER_KEY_FILE: hsm.master_key_file: required in production")


def test_production_with_master_key_is_accepted(write: Write) -> None:
    """Production needs a master key file, whose path becomes absolute."""
    settings = load_settings(write('environment = "production"\n[hsm]\nmaster_key_file = "master.key"'))

    assert Path.cwd() / "master.key" == settings.hsm.master_key_file


def test_all_problems_come_at_once(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run reports the mistakes of variables and file together."""
    monkeypatch.setenv("CARDSWITCH_NONSENSE", "1")

    assert problems(write("x = 1")) == [
        "CARDSWITCH_NONSENSE: nonsense: unknown key",
        "settings.toml: x: unknown key",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a b", r"is not TOML: .*line 1.*"),
        (b"a = '\xff'", "is not UTF-8"),
        (None, "No such file or directory"),
    ],
)
def test_unreadable_file_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """A file that is missing, not text or not TOML is an error."""
    file = tmp_path / "settings.toml"
    if content is not None:
        file.write_bytes(content)

    (line,) = problems(file)

    assert re.fullmatch(f"settings.toml: {reason}", line)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://switch:hunter2@db/cardswitch",
        "postgresql://switch@db/cardswitch?password=hunter2",
        "postgresql://db/cardswitch?sslpassword=hunter2",
        "postgresql://switch:hunter2@[db/cardswitch",
        "mysql://switch:hunter2@db/cardswitch",
    ],
)
def test_password_has_no_place_in_the_dsn(write: Write, dsn: str) -> None:
    """A DSN with a password, or that can't be understood, is refused without repeating it."""
    with pytest.raises(SettingsError) as caught:
        load_settings(write(f'[database]\ndsn = "{dsn}"'))

    assert "database.dsn: " in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("dsn", ["", "postgresql://switch@db:5432/cardswitch", "postgres:///d?host=/run/pg"])
def test_dsn_without_password_is_accepted(write: Write, dsn: str) -> None:
    """An empty DSN and URIs of PostgreSQL are taken as they are."""
    assert dsn == load_settings(write(f'[database]\ndsn = "{dsn}"')).database.dsn


def test_machine_without_time_zones_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no zone is known at all, the line says what to install."""
    monkeypatch.setattr(zoneinfo, "ZoneInfo", {}.__getitem__)  # fails with a KeyError, as ZoneInfo does
    monkeypatch.setattr(zoneinfo, "available_timezones", set)

    (line,) = problems()

    assert line.startswith("CARDSWITCH_CLOCK__TIME_ZONE: clock.time_zone: this machine has no time zone data")


def test_documented_file_is_the_defaults() -> None:
    """The file in the documentation has every key, with its default."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    documented = tomllib.loads(text)
    absent_by_default = {
        ("database", "shared_buffers_mb"),
        ("hsm", "socket"),
        ("hsm", "master_key_file"),
        ("hsm", "previous_master_key_file"),
        ("hsm", "passphrase_folder"),
        ("hsm", "token_module"),
    }

    assert Settings() == Settings.model_validate(documented)
    assert _keys(Settings().model_dump()) == _keys(documented) | absent_by_default
    assert all(re.search(rf"^# {key} = ", text, re.MULTILINE) for _, key in absent_by_default)


def _keys(tree: dict[str, object], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """The paths of all leaves."""
    leaves: set[tuple[str, ...]] = set()
    for key, value in tree.items():
        leaves |= _keys(value, (*path, key)) if isinstance(value, dict) else {(*path, key)}
    return leaves
