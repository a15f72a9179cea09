"""Writes docs/rights.md from the table in `directory.rights`.

    python -m directory.rights_page > docs/rights.md

A test holds the document to the table.
"""

import sys
from typing import Final

from directory.rights import RIGHTS, Action, Reach, Role

_INTRODUCTION: Final = """# Rights

Who may do what with the directory: one table, `directory/rights.py`, from which this page is written
(`python -m directory.rights_page > docs/rights.md`) and of which a test tries every cell.

- **all**: every party's records.
- **own**: records of the operator's party and of those below it in the tree of parties. An operator of the
  platform has every party below their own.
- A dot: nothing.
- **✓**: may approve what another operator has proposed. An action with such a mark needs four eyes: whoever
  asks for it makes a proposal, and a second operator carries it out with `cardswitch approval approve`.

What is out of an operator's reach answers exactly like what does not exist, and is not listed or counted.
"""
_WORDS: Final = {Reach.NONE: "·", Reach.OWN: "own", Reach.ALL: "all"}


def rights_page() -> str:
    """The document."""
    header = ["action", *(role.replace("_", " ") for role in Role)]
    rows = [header, ["---"] * len(header), *(_row(action) for action in RIGHTS)]
    return "\n".join([_INTRODUCTION, *(f"| {' | '.join(row)} |" for row in rows), ""])


def _row(action: Action) -> list[str]:
    rule = RIGHTS[action]
    marks = ["✓" if role in rule.approvers else "" for role in Role]
    cells = [f"{_WORDS[rule.reach[role]]} {mark}".strip() for role, mark in zip(Role, marks, strict=True)]
    return [f"`{action}`", *cells]


if __name__ == "__main__":
    sys.stdout.write(rights_page())
