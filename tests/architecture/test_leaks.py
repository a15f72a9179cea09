"""Card data and keys in source: nothing that ends up before human eyes may be made of them.

The rule looks at what is shown: arguments of log calls, of exceptions and of `echo`, messages of assertions,
and the text methods of a class. In these it refuses bare names that hold card data or keys (`{pan}`,
`card.pin_block`, `track2[:4]`); a call around the name (`masked(pan)`, `len(track)`) is somebody's decision.
It is a first net, cheap and without false alarms; masking by type and the scan of real logs are the others.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

import pytest

LOG_METHODS = {"debug", "info", "warning", "error", "critical", "exception", "echo"}
TEXT_METHODS = {"__repr__", "__str__", "__format__"}
CARD_DATA = re.compile(r"(\w+_)?(pan|pin|pin_block|tracks?|track_?[123]|clear)")
KEYS = re.compile(r"(\w+_)?(master|session|terminal|working|clear|pin|mac|sealing)_keys?(_bytes)?")
KEYS_IN_HSM = re.compile(r"key|keys|components?")


def leaks(path: str, text: str) -> Iterator[str]:
    """The places where `text` shows a name that holds a secret."""
    secrets = [CARD_DATA, KEYS, *([KEYS_IN_HSM] if path.startswith("hsm_soft/") else [])]
    for node in ast.walk(ast.parse(text)):
        for shown in _shown(node):
            name = _last_name(shown)
            if name and any(secret.fullmatch(name) for secret in secrets):
                yield f"{path}:{shown.lineno}: {name}"


def _shown(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions whose values `node` puts before human eyes."""
    match node:
        case ast.Raise(exc=ast.Call() as call):
            yield from _arguments(call)
        case ast.Call(func=ast.Attribute(attr=method)) if method in LOG_METHODS:
            yield from _arguments(node)
        case ast.Assert(msg=ast.expr() as message):
            yield from _parts(message)
        case ast.FunctionDef(name=name) if name in TEXT_METHODS:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value:
                    yield from _parts(inner.value)


def _arguments(call: ast.Call) -> Iterator[ast.expr]:
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        yield from _parts(argument)


def _parts(expression: ast.expr) -> Iterator[ast.expr]:
    """The values a text is put together from."""
    match expression:
        case ast.JoinedStr(values=values):
            for value in values:
                if isinstance(value, ast.FormattedValue):
                    yield value.value
        case ast.BinOp(left=left, right=right):
            yield from _parts(left)
            yield from _parts(right)
        case ast.Tuple(elts=items):
            for item in items:
                yield from _parts(item)
        case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="format")):
            yield from _arguments(expression)
        case _:
            yield expression


def _last_name(expression: ast.expr) -> str | None:
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _last_name(value)
        case _:
            return None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('raise ValueError(f"bad {pan}")', ["pan"]),
        ('raise ValueError(f"bad {card.pan!r} and {old_pin_block[:4]}")', ["pan", "old_pin_block"]),
        ('raise ValueError("bad %s of %s" % (pin, name))', ["pin"]),
        ('raise ValueError("bad {}".format(track2))', ["track2"]),
        ('raise ValueError("bad " + track_2)', ["track_2"]),
        ("raise KeyError(mac_key)", ["mac_key"]),
        ('log.info("seen", card=pan)', ["pan"]),
        ('self.log.debug(f"{request.track}")', ["track"]),
        ('assert ok, f"{pin}"', ["pin"]),
        ("def __repr__(self):\n    return f'{self.clear}'", ["clear"]),
        ('raise ValueError(f"bad {masked(pan)}, {len(track)} characters")', []),
        ("block = f'0{len(pin)}{pin}FFFF'", []),
        ('log.info("seen", listener=name, key=field)', []),
        ('raise ValueError(f"{key}: {company} {spinning}")', []),
        ("assert pan", []),
    ],
)
def test_rule_finds_what_was_planted(text: str, found: list[str]) -> None:
    """The rule names each planted secret and leaves computations and masked values alone."""
    assert found == [leak.rpartition(" ")[2] for leak in leaks("ledger/a.py", text)]


def test_any_key_is_secret_in_the_hsm() -> None:
    """Where keys are kept, a plain `key` is one; elsewhere it is the key of a table."""
    text = 'raise ValueError(f"{key}")'

    assert list(leaks("hsm_soft/a.py", text)) == ["hsm_soft/a.py:1: key"]
    assert not list(leaks("ledger/a.py", text))


def test_project_shows_no_secrets(sources: Mapping[str, str], layers: Mapping[str, Sequence[str]]) -> None:
    """No package of the product shows a name that holds card data or a key."""
    product = tuple(f"{package}/" for package in layers["packages"])

    assert not [
        leak for path, text in sources.items() if path.startswith(product) for leak in leaks(path, text)
    ]
