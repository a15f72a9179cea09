"""Settings: one TOML file, overridden by environment variables, checked as a whole before anything starts.

The tables of the file and the variables `CARDSWITCH_<TABLE>__<KEY>` fill one frozen tree, `Settings`; a
variable stands above the file, the file above the defaults written here. A key or variable nobody knows is an
error, so that a misspelt limit can't silently be the default one. `load_settings` reports every problem at
once, each on a line that names the file or variable, the key and the reason, and never the value.

Secrets have no place here: `hsm.master_key_file` names a file, and a DSN that carries a password is refused
in favour of `PGPASSFILE` and `PGPASSWORD`. So settings may be printed, logged and sent to a colleague.

What is checked here can be known without touching the world, except that dialect files are read, because they
say which dialects there are. Whether a port is free or another file readable is for whoever opens it to say.
`docs/configuration.md` is the operator's page; a test keeps its keys and defaults equal to these.
"""

import os
import tomllib
import zoneinfo
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

import pydantic
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from iso8583_specs.dialects import DIALECTS
from iso8583_specs.framing import FRAMINGS
from switch.dialects import DialectFileError, load_dialect
from switch.vocabulary import unionpay_pos

_PREFIX = "CARDSWITCH_"
_NESTING = "__"
_CONFIG = "CARDSWITCH_CONFIG"
_HOME = "CARDSWITCH_HOME"
_DEFAULT_FILE = "cardswitch.toml"
_PASSED_OVER = ("CARDSWITCH_TEST_", "CARDSWITCH_OPERATOR_")
"""Beginnings of variables that are no settings: of tests, and an operator's passwords."""


class SettingsError(Exception):
    """The settings can't be used; each line of the text is one problem. The command exits with status 2."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _problem(key: str, reason: str) -> PydanticCustomError:
    """A problem of several keys together, to be reported at `key`."""
    return PydanticCustomError("settings", "{reason}", {"key": key, "reason": reason})


def _not_empty(value: object) -> object:
    """`value`, unless it is the empty string, which as a path would mean the working directory."""
    if value == "":
        raise PydanticCustomError("path_empty", "must not be empty")
    return value


def _empty_as_none(value: object) -> object:
    """None for the empty string, which is how a variable takes back what the file says."""
    return None if value == "" else value


def _known_time_zone(name: str) -> str:
    """`name` if this machine has its rules."""
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        if zoneinfo.available_timezones():
            raise PydanticCustomError(
                "time_zone", "no such time zone; names look like Asia/Shanghai"
            ) from None
        raise PydanticCustomError(
            "time_zone", "this machine has no time zone data; install the package tzdata (system or Python)"
        ) from None
    return name


def _dsn_without_secret(dsn: str) -> str:
    """`dsn` if it is empty or a PostgreSQL URI that carries no password."""
    if not dsn:
        return dsn
    try:
        parts = urlsplit(dsn)
    except ValueError:  # its text may quote the password
        raise PydanticCustomError("dsn", "is not a URI") from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise PydanticCustomError("dsn", "must be empty (embedded server) or begin with postgresql://")
    if parts.password is not None or {"password", "sslpassword"} & parse_qs(parts.query).keys():
        raise PydanticCustomError(
            "dsn", "must not carry a password; give it in a file (PGPASSFILE) or in PGPASSWORD"
        )
    return dsn


def _one_of(names: Collection[str]) -> AfterValidator:
    """Accepts a name the product has."""

    def check(name: str) -> str:
        if name not in names:
            raise PydanticCustomError("name", "must be one of {names}", {"names": ", ".join(names)})
        return name

    return AfterValidator(check)


_SERVED = "unionpay_pos"


def _served_dialect(name: str) -> str:
    """`name` if it is a dialect that the switch has a vocabulary for, and one that can read it."""
    names = [
        known
        for known, spec in DIALECTS.items()
        if known.split(".")[0] == _SERVED and unionpay_pos.can_read(spec)
    ]
    if name not in names:
        raise PydanticCustomError("name", "must be one of {names}", {"names": ", ".join(names)})
    return name


_STREAM_FRAMINGS = [name for name, framing in FRAMINGS.items() if framing.length_bytes]

AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]
OptionalPath = Annotated[AbsolutePath | None, BeforeValidator(_empty_as_none)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40)]
Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Table(pydantic.BaseModel):
    """A table of the file: frozen, closed, its defaults checked like any value."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Database(_Table):
    """Where the money is kept."""

    dsn: Annotated[str, AfterValidator(_dsn_without_secret)] = ""
    """PostgreSQL URI without a password; empty starts the embedded server under `home`."""
    shared_buffers_mb: Annotated[Count | None, BeforeValidator(_empty_as_none)] = None
    """Memory of the embedded server; None lets it choose a quarter of the machine's, at most 4 GB."""


class Dialects(_Table):
    """Dialects of one's own."""

    files: tuple[AbsolutePath, ...] = ()
    """Dialect files in TOML; a listener may name what they describe."""


class Listener(_Table):
    """One TCP address that accepts terminals, and its limits."""

    host: Text = "127.0.0.1"
    port: Port = 8583
    """0 takes any free port."""
    dialect: Annotated[str, AfterValidator(_served_dialect)] = "unionpay_pos"
    framing: Annotated[str, _one_of(_STREAM_FRAMINGS)] = "length2_tpdu_header6"
    connections_max: Count = 20_000
    in_flight_max: Annotated[int, Field(ge=256)] = 256
    """Requests of one connection that may be under way before reading from it stops."""
    frame_timeout_seconds: Seconds = 10.0
    """How long a started frame may take to arrive whole; an idle line has no limit."""
    write_timeout_seconds: Seconds = 10.0
    """How long a peer may leave an answer unread."""


class Limits(_Table):
    """Limits of the whole node."""

    in_flight_max: Count = 20_000
    """Requests under way over all connections."""


class Observability(_Table):
    """The page for machines (`/metrics`, `/livez`, `/readyz`) and the log."""

    host: Text = "127.0.0.1"
    port: Port = 9583
    """0 takes any free port."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    """auto: console on a terminal, else JSON."""
    metrics: bool = True
    """False records nothing, to measure what recording costs."""


class Clock(_Table):
    """Local time as terminals and receipts show it."""

    time_zone: Annotated[str, AfterValidator(_known_time_zone)] = "Asia/Shanghai"
    """Zone of fields 12 (time) and 13 (date) of an answer."""


class Hsm(_Table):
    """The software HSM."""

    mode: Literal["in_process", "process"] = "in_process"
    """`process`: served by `cardswitch hsm serve` on the socket, and the switch holds no key."""
    socket: OptionalPath = None
    """The HSM's socket; None puts it in `home`. Its folder belongs to the HSM's user alone."""
    answer_seconds: Seconds = 5.0
    """How long an answer of the HSM's process may take before it counts as gone."""
    master_key_file: OptionalPath = None
    """File of the master key, or folder of its components; None uses the development key in `home`."""
    previous_master_key_file: OptionalPath = None
    """The master key that is being replaced; only until all keys are moved."""
    passphrase_folder: OptionalPath = None
    """A file for each officer of a component, and for the PIN of a token; None asks on the terminal."""
    token_module: OptionalPath = None
    """The PKCS#11 library of the token that opens the master key."""
    unverified_sm4_pos_mac: bool = False
    """Serve SM4 terminals, whose sign-on and MAC follow descriptions that no published message confirms."""


class Keys(_Table):
    """Session keys of terminals."""

    old_set_seconds: Seconds = 600.0
    """How long the old keys stay valid after a sign-on whose new MAC key has not been seen yet."""


class Stop(_Table):
    """How the node stops."""

    drain_seconds: Seconds = 10.0
    """How long requests under way may take to finish."""


class Settings(_Table):
    """All settings of one node, valid as a whole."""

    environment: Literal["development", "production"] = "development"
    home: Annotated[AbsolutePath, BeforeValidator(_not_empty)] = Path("var")
    """Folder of everything the node keeps itself: embedded database, development key, default file."""
    database: Database = Database()
    dialects: Dialects = Dialects()
    listeners: dict[Name, Listener] = Field(default_factory=lambda: {"pos": Listener()}, min_length=1)
    """Naming any listener replaces the default one."""
    limits: Limits = Limits()
    observability: Observability = Observability()
    clock: Clock = Field(default_factory=Clock)  # not built at import: the machine may lack the zone
    hsm: Hsm = Hsm()
    keys: Keys = Keys()
    stop: Stop = Stop()

    @model_validator(mode="after")
    def _each_listener_has_its_own_address(self) -> Self:
        seen: dict[tuple[str, int], str] = {}
        for name, listener in self.listeners.items():
            other = seen.setdefault((listener.host, listener.port), name)
            if other != name and listener.port:
                raise _problem(f"listeners.{name}.port", f"the address is that of listener {other}")
        return self

    @model_validator(mode="after")
    def _production_has_a_master_key(self) -> Self:
        if self.environment == "production" and self.hsm.master_key_file is None:
            raise _problem(
                "hsm.master_key_file", "required in production; the development key protects nothing"
            )
        return self


class _EnvironmentShape(Settings, BaseSettings):
    """Tells pydantic-settings which variables to look for; never built."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter=_NESTING,
        enable_decoding=False,  # a variable is one value, never a table in JSON
    )


def load_settings(config: Path | None) -> Settings:
    """The settings of one file under those of the environment.

    Args:
        config: The file to read. None reads the one `CARDSWITCH_CONFIG` names, else `<home>/cardswitch.toml`
            if it exists, else none.

    Raises:
        SettingsError: The file can't be read, or a key is unknown, wrong or missing.
    """
    file = config or _default_file()
    from_file = _read_file(file) if file else {}
    from_environment = EnvSettingsSource(_EnvironmentShape)()
    origin = _Origin(_variables(), file)
    problems = [
        f"{name}: {'.'.join(path)}: unknown key"
        for path, name in origin.variables.items()
        if not _leads_somewhere(path, from_environment)
    ]
    tree = _merged(_CHECKED_ALWAYS, _merged(from_file, from_environment))
    problems += _dialect_problems(tree.get("dialects"))
    try:
        settings = Settings.model_validate(tree)
    except pydantic.ValidationError as error:
        problems += [origin.line(detail) for detail in error.errors(include_url=False, include_input=False)]
    if problems:
        raise SettingsError(tuple(problems))  # outside the handler: the cause would hold the values
    return settings


def _dialect_problems(table: object) -> Iterator[str]:
    """Make the settings' own dialects known, because listeners name them; what is wrong in their files."""
    files = table.get("files") if isinstance(table, Mapping) else None
    for file in files if isinstance(files, list) else ():
        if not isinstance(file, str):
            continue  # told with the other problems
        try:
            load_dialect(Path(file))
        except DialectFileError as error:
            yield str(error)


Tree = Mapping[str, object]

_CHECKED_ALWAYS: Tree = {"clock": {}}
"""Tables whose defaults depend on the machine, so that they are checked where a line can name the key."""


def _default_file() -> Path | None:
    """The file to read when none is named on the command line."""
    if named := os.environ.get(_CONFIG):
        return Path(named)
    usual = Path(os.environ.get(_HOME) or "var", _DEFAULT_FILE)
    return usual if usual.exists() else None


def _read_file(file: Path) -> Tree:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or "can't be read"
    except UnicodeDecodeError:
        reason = "is not UTF-8"
    except tomllib.TOMLDecodeError as error:
        reason = f"is not TOML: {error}"
    raise SettingsError((f"{file}: {reason}",))


def _variables() -> dict[tuple[str, ...], str]:
    """The names of our environment variables by the path of the key each one sets."""
    return {
        tuple(name.removeprefix(_PREFIX).lower().split(_NESTING)): name
        for name in os.environ
        if name.startswith(_PREFIX) and name != _CONFIG and not name.startswith(_PASSED_OVER)
    }


def _leads_somewhere(path: tuple[str, ...], tree: object) -> bool:
    """Whether the tree pydantic-settings took from the environment has something at `path`."""
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return False
        tree = tree[key]
    return True


def _merged(below: Tree, above: Tree) -> Tree:
    """`below` with everything `above` says laid over it, key by key."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged


class _Origin(NamedTuple):
    """Who said what: finds the place an operator has to mend."""

    variables: Mapping[tuple[str, ...], str]
    file: Path | None

    def line(self, detail: ErrorDetails) -> str:
        """One problem as `place: key: reason`."""
        path = tuple(str(part) for part in detail["loc"] if part != "[key]")
        path = path or tuple(str(detail.get("ctx", {})["key"]).split("."))
        reason = "unknown key" if detail["type"] == "extra_forbidden" else detail["msg"]
        return f"{self._place(path)}: {'.'.join(path)}: {reason}"

    def _place(self, path: tuple[str, ...]) -> str:
        """The variable that set `path` or a part of it, else the file, else the variable that could."""
        for candidate, name in self.variables.items():
            if all(ours == theirs for ours, theirs in zip(candidate, path, strict=False)):
                return name
        return str(self.file) if self.file else _PREFIX + _NESTING.join(path).upper()
