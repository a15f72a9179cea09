"""House rules as tests: each rule is a pure function from a file's path and text to its violations.

For each rule one test plants violations and shows that it finds them and nothing else, and one applies it to
every file of the project. A rule decides by the path whether it concerns a file.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 600
LINE_LENGTH_MAX = 110

# Commands and simulators talk to people; the modules named write what was asked for to stdout.
MAY_PRINT = ("switch/cli.py", "tools/", "tests/", "benchmarks/")
VAGUE_NAMES = ("utils", "util", "helpers", "manager", "common", "misc")
LEFTOVER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
# Pure modules are given the time, ids and randomness; so is the HSM, except for the source of its keys.
BANNED = (
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "os.urandom",
    "random",
    "secrets",
    "time.time",
    "time.time_ns",
    "uuid.uuid1",
    "uuid.uuid4",
)
BANNED_IN_HSM = tuple(name for name in BANNED if name != "os.urandom")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Violations = Iterator[str]


@dataclass(frozen=True)
class Rules:
    """The rules that need to know the layers."""

    pure: Sequence[str]

    def banned_calls(self, path: str, text: str) -> Violations:
        """Pure modules take time, ids and randomness as arguments; money is never a float."""
        tree = ast.parse(text)
        module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        if any(module == pure or module.startswith(f"{pure}.") for pure in self.pure):
            yield from _banned_names(path, tree, BANNED)
        elif path.startswith("hsm_soft/"):
            yield from _banned_names(path, tree, BANNED_IN_HSM)
        if path.startswith("ledger/"):
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
                    yield f"{path}:{node.lineno}: float("


def _banned_names(path: str, tree: ast.Module, banned: Sequence[str]) -> Violations:
    origins = _imported(tree)
    parts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        name = _dotted(node, origins) if id(node) not in parts else None
        if name and any(name == one or name.startswith(f"{one}.") for one in banned):
            yield f"{path}:{node.lineno}: {name}"


def _imported(tree: ast.Module) -> dict[str, str]:
    """Local names of imports, with what they stand for."""
    origins = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            origins |= {name.asname or name.name: name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            origins |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    return origins


def _dotted(node: ast.AST, origins: Mapping[str, str]) -> str | None:
    """The full name `node` refers to, if it begins at an import."""
    match node:
        case ast.Name(id=name):
            return origins.get(name)
        case ast.Attribute(value=value, attr=attr):
            base = _dotted(value, origins)
            return f"{base}.{attr}" if base else None
        case _:
            return None


def long_functions(path: str, text: str) -> Violations:
    """A function fits on a screen; its docstring doesn't count."""
    for node in _functions(text):
        lines = _span(node) - (_span(node.body[0]) if ast.get_docstring(node) else 0)
        if lines > FUNCTION_LINES_MAX:
            yield f"{path}:{node.lineno}: {node.name} has {lines} lines"


def long_modules(path: str, text: str) -> Violations:
    """A module is one concept."""
    lines = text.count("\n")
    if lines > MODULE_LINES_MAX:
        yield f"{path}: {lines} lines"


def long_lines(path: str, text: str) -> Violations:
    """Lines can be read side by side; a single long word, such as a captured message, can't be broken."""
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > LINE_LENGTH_MAX and " " in line.strip():
            yield f"{path}:{number}: {len(line)} characters"


def leftovers(path: str, text: str) -> Violations:
    """What is to be done stands in an issue, not in the code."""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := LEFTOVER.search(line):
            yield f"{path}:{number}: {found[0]}"


def undocumented_modules(path: str, text: str) -> Violations:
    """Each module says what it is for."""
    if not ast.get_docstring(ast.parse(text)):
        yield f"{path}: no docstring"


def undocumented_tests(path: str, text: str) -> Violations:
    """Each test says which behaviour it expects."""
    if not path.startswith("tests/"):
        return
    for node in _functions(text):
        if node.name.startswith("test_") and not ast.get_docstring(node):
            yield f"{path}:{node.lineno}: {node.name} has no docstring"


def prints(path: str, text: str) -> Violations:
    """Only commands print."""
    if path.startswith(MAY_PRINT):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield f"{path}:{node.lineno}: print("


def vague_names(path: str, _: str) -> Violations:
    """A module is named after what it knows."""
    if any(part.removesuffix(".py") in VAGUE_NAMES for part in path.split("/")):
        yield f"{path}: says nothing"


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _functions(text: str) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, Function))


Rule = Callable[[str, str], Violations]
RULES: tuple[Rule, ...] = (
    long_functions,
    long_modules,
    long_lines,
    leftovers,
    undocumented_modules,
    undocumented_tests,
    prints,
    vague_names,
)


def _function_of(lines: int, docstring: str = "") -> str:
    """A function with so many lines, signature included and docstring not."""
    return f"def f(\n    a,\n):\n{docstring}" + "    a += 1\n" * (lines - 3)


PLANTED = [
    (long_functions, "ledger/a.py", _function_of(70), []),
    (long_functions, "ledger/a.py", _function_of(71), ["ledger/a.py:1: f has 71 lines"]),
    (long_functions, "ledger/a.py", _function_of(70, '    """One.\n\n    More.\n    """\n'), []),
    (long_functions, "ledger/a.py", _function_of(71, '    """One."""\n'), ["ledger/a.py:1: f has 71 lines"]),
    (long_functions, "ledger/a.py", "async " + _function_of(71), ["ledger/a.py:1: f has 71 lines"]),
    (long_modules, "ledger/a.py", "\n" * 600, []),
    (long_modules, "ledger/a.py", "\n" * 601, ["ledger/a.py: 601 lines"]),
    (long_lines, "ledger/a.py", "\n" + "a " * 55, []),
    (long_lines, "ledger/a.py", "\n" + "a " * 55 + "a", ["ledger/a.py:2: 111 characters"]),
    (long_lines, "ledger/a.py", "    " + "a" * 120, []),
    (leftovers, "ledger/a.py", "# a" + " TO" + "DO: later", ["ledger/a.py:1: TO" + "DO"]),
    (leftovers, "ledger/a.py", "TO" + "DOS = 1", []),
    (undocumented_modules, "ledger/a.py", "a = 1", ["ledger/a.py: no docstring"]),
    (undocumented_modules, "ledger/a.py", '"""A."""', []),
    (
        undocumented_tests,
        "tests/test_a.py",
        "def test_b(): ...",
        ["tests/test_a.py:1: test_b has no docstring"],
    ),
    (undocumented_tests, "tests/test_a.py", "def helper(): ...", []),
    (undocumented_tests, "tools/a.py", "def test_b(): ...", []),
    (prints, "ledger/a.py", "print(1)", ["ledger/a.py:1: print("]),
    (prints, "switch/cli.py", "print(1)", []),
    (prints, "ledger/a.py", "blueprint(1)\nself.print(1)", []),
    (vague_names, "ledger/utils.py", "", ["ledger/utils.py: says nothing"]),
    (vague_names, "ledger/utils/a.py", "", ["ledger/utils/a.py: says nothing"]),
    (vague_names, "ledger/group_manager.py", "", []),
]


@pytest.mark.parametrize(("rule", "path", "text", "violations"), PLANTED)
def test_rule_finds_what_was_planted(rule: Rule, path: str, text: str, violations: list[str]) -> None:
    """A rule names the planted violation and leaves what is allowed alone."""
    assert violations == list(rule(path, text))


@pytest.mark.parametrize(
    ("path", "text", "violations"),
    [
        ("ledger/wallet.py", "import time\ntime.time()", ["ledger/wallet.py:2: time.time"]),
        ("ledger/wallet.py", "from time import time as t\na(t)", ["ledger/wallet.py:2: time.time"]),
        ("ledger/wallet.py", "import random\nrandom.random()", ["ledger/wallet.py:2: random.random"]),
        ("ledger/wallet.py", "import os\nos.urandom(8)", ["ledger/wallet.py:2: os.urandom"]),
        ("ledger/deep/a.py", "import uuid\nuuid.uuid4()", ["ledger/deep/a.py:2: uuid.uuid4"]),
        (
            "ledger/wallet.py",
            "from datetime import datetime\ndatetime.now()",
            ["ledger/wallet.py:2: datetime.datetime.now"],
        ),
        ("ledger/wallet.py", "clock.time()\nself.random()\ntime.time()", []),
        ("ledger/other.py", "import time\ntime.time()", []),
        ("ledger/other.py", "float(1)", ["ledger/other.py:1: float("]),
        ("switch/other.py", "float(1)", []),
        ("hsm_soft/key.py", "import os\nos.urandom(8)", []),
        ("hsm_soft/key.py", "import random\nrandom.randbytes(8)", ["hsm_soft/key.py:2: random.randbytes"]),
    ],
)
def test_banned_calls_are_found(path: str, text: str, violations: list[str]) -> None:
    """Clock, ids and randomness are found under whatever name they were imported, in pure modules only."""
    rules = Rules(pure=("ledger.wallet", "ledger.deep"))

    assert violations == list(rules.banned_calls(path, text))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_project_keeps_the_rule(rule: Rule, sources: Mapping[str, str]) -> None:
    """No file of the project breaks the rule."""
    assert not [violation for path, text in sources.items() for violation in rule(path, text)]


def test_pure_modules_stay_pure(sources: Mapping[str, str], layers: Mapping[str, Sequence[str]]) -> None:
    """No pure module reads a clock, draws a random number or makes an id, and no amount becomes a float."""
    rules = Rules(layers["pure"])

    assert not [found for path, text in sources.items() for found in rules.banned_calls(path, text)]
