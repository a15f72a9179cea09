"""`cardswitch`: one command line over everything.

The switch's own commands are in `switch.commands`. What stands above the switch (simulators, later the
console) adds its commands through the entry point group `cardswitch.commands`: each entry is a function that
is handed the application and registers on it. Modules are imported when their command is built, heavy ones
when it runs.
"""

import os
from importlib.metadata import entry_points
from typing import Annotated

import typer

from hsm_soft.process.hardening import harden
from switch.commands import (
    approval,
    audit,
    card,
    convert,
    customer,
    database,
    decode,
    dialect,
    doctor,
    encode,
    fee_plan,
    hsm,
    keys,
    ledger,
    merchant,
    number_range,
    operator,
    party,
    product,
    run,
    terminal,
    transaction,
)
from switch.commands.frame import EXIT_USAGE, fail
from switch.language import UnknownLanguage, choose_language

_GROUP = "cardswitch.commands"
_MODULES = (
    *(run, database, transaction, ledger, hsm, keys, decode, encode, convert, doctor, dialect),
    *(operator, approval, audit, party, product, number_range, card, customer),
    *(merchant, fee_plan, terminal),
)


def build() -> typer.Typer:
    """The application with every command that is installed."""
    app = typer.Typer(
        name="cardswitch",
        help="An ISO 8583 transaction switch that owns its money.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_show_locals=False,
    )
    app.callback()(_choose_language)
    for module in _MODULES:
        module.add(app)
    for entry in sorted(entry_points(group=_GROUP), key=lambda each: each.name):
        entry.load()(app)
    return app


def _choose_language(
    *,
    lang: Annotated[str | None, typer.Option("--lang", help="Language of answers: en or zh_CN.")] = None,
) -> None:
    """An ISO 8583 transaction switch that owns its money."""
    try:
        choose_language(lang, os.environ)
    except UnknownLanguage as unknown:
        raise fail(f"the languages are {unknown}", EXIT_USAGE) from None


def main() -> None:
    """What the `cardswitch` script calls; whichever command it is, keys may pass through its memory."""
    harden()
    build()()
