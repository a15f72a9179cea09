"""Nobody learns by any command what another party has: every command is tried with foreign records.

In one database are the records of two issuers. The second issuer's people give every command the names of the
first issuer's records, and then names that nobody has: the answers are the same. Nothing of the first issuer
is ever in an answer. A command that is not in the table fails the test that looks for it.
"""

import asyncio
import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
from typer.testing import CliRunner

from storage.database import connect
from tests.switch.commands.conftest import Ran
from tests.switch.commands.people import GIVEN, People
from tests.switch.shop import MASTER_KEY

SECRET = "Secretive"
"""Stands in every name that people gave the first issuer's records, and that nobody else types."""

FOREIGN = {
    "issuer": "ZQBANK",
    "agent": "ZQAGENT",
    "product": "ZQGIFT",
    "range": "6225880",
    "card": "ZQ-00001",
    "customer": "1",
    "binding": "1",
    "merchant": "ZQ2588000000001",
    "terminal": "ZQTILL01",
    "store": "ZQS1",
    "fees": "ZQFEES",
    "batch": "1",
    "operator": "zqanna",
    "document": "110101199003077395",
    "head": "1:" + "ab" * 32,
}
NOWHERE = {
    "issuer": "NOBANK",
    "agent": "NOAGENT",
    "product": "NOGIFT",
    "range": "6225889",
    "card": "NO-00001",
    "customer": "77",
    "binding": "77",
    "merchant": "NO2588000000001",
    "terminal": "NOTILL01",
    "store": "NOS1",
    "fees": "NOFEES",
    "batch": "77",
    "operator": "noanna",
    "document": "110101199003077396",
    "proposal": "77",
    "head": "1:" + "ab" * 32,
}

TERMS = '{"card_class": "gift", "currency": 156, "services": ["purchase"], "pin": {"purchase": {}}}'
FEES = '{"fees": [{"services": ["purchase"], "basis_points": 60}]}'
PERSON = json.dumps(
    {
        "name": f"张{SECRET}",
        "document_kind": "id_card",
        "document_number": FOREIGN["document"],
        "phone": "13800138000",
    }
)
FILES = {
    "terms.json": TERMS,
    "fees.json": FEES,
    "person.json": PERSON.replace(SECRET, "三").replace("7395", "7397"),
    "agents.csv": "code,name,under\nX,X,issuer:{issuer}\n",
    "products.csv": 'party,code,name,effective_from,terms\nissuer:{issuer},X,X,,"{quoted_terms}"\n',
    "ranges.csv": "first,name,digits,party\n{range},X,16,issuer:{issuer}\n",
    "cards.csv": "serial,event\n{card},freeze\n",
    "customers.csv": "party,name\nissuer:{issuer},X\n",
    "merchants.csv": "merchant_id,name,category,under\nX00000000000001,X,5411,issuer:{issuer}\n",
    "terminals.csv": "merchant_id,terminal_id\n{merchant},X0000001\n",
}

COMMANDS = (
    "operator list",
    "operator list --csv",
    "operator reset {operator}",
    "operator add zqnew --role issuer_clerk --party issuer:{issuer}",
    "operator lock {operator}",
    "operator unlock {operator}",
    "operator disable {operator}",
    "approval list --all",
    "approval show {proposal}",
    "approval approve {proposal}",
    "approval reject {proposal}",
    "audit list",
    "audit list --kind card --subject {card}",
    "audit list --csv --by root",
    "audit verify --head {head}",
    "issuer add X X --under issuer:{issuer}",
    "issuer list",
    "issuer list --csv",
    "issuer import agents.csv",
    "issuer show {issuer}",
    "agent add X X --under issuer:{issuer}",
    "agent list",
    "agent import agents.csv",
    "agent show {agent}",
    "partner add X X --under issuer:{issuer}",
    "partner list",
    "partner import agents.csv",
    "partner show {agent}",
    "party list",
    "product add X X --party issuer:{issuer} --terms terms.json",
    "product change {product} --terms terms.json",
    "product withdraw {product} 1",
    "product list",
    "product list --csv",
    "product show {product}",
    "product import products.csv",
    "range register 62258801 --name X --digits 16",
    "range allocate {range} --to issuer:{issuer} --name X",
    "range allocate {range} --to issuer:OTHER --name X",
    "range close {range}",
    "range list",
    "range list --csv",
    "range show {range}",
    "range import ranges.csv",
    "card issue {card}",
    "card activate {card}",
    "card freeze {card}",
    "card unfreeze {card}",
    "card lost {card}",
    "card stolen {card}",
    "card recover {card}",
    "card close {card}",
    "card show {card}",
    "card show id:{batch}",
    "card list",
    "card list --csv",
    "card list --product {product}",
    "card list --customer {customer}",
    "card list --batch {batch}",
    "card count",
    "card count --product {product}",
    "card count --batch {batch}",
    "card holder {card} {customer}",
    "card extend {card}",
    "card expire",
    "card replace {card} --printer house --out .",
    "card import cards.csv",
    "card pin reset {card} --printer house --out .",
    "card batch open --party issuer:{issuer} --product {product} --range {range} --printer house",
    "card batch open --party issuer:OTHER --product {product} --range {range} --printer house",
    "card batch resume {batch}",
    "card batch release {batch}",
    "card batch deliver {batch}",
    "card batch export {batch} --out .",
    "card batch list",
    "card batch show {batch}",
    "customer add --party issuer:{issuer} --person person.json",
    "customer change {customer} --person person.json",
    "customer verify {customer}",
    "customer close {customer}",
    "customer show {customer}",
    "customer show {customer} --personal",
    "customer find --document id_card",
    "customer list",
    "customer count",
    "customer bind {customer} account bank",
    "customer unbind {customer} {binding}",
    "customer import customers.csv",
    "customer export",
    "merchant apply X00000000000001 X --category 5411 --under issuer:{issuer}",
    "merchant change {merchant} --name X",
    "merchant settle {merchant} --fee-plan {fees} --account-name X --bank 102100099996 --account 62170000",
    "merchant approve {merchant}",
    "merchant reject {merchant}",
    "merchant go-live {merchant}",
    "merchant suspend {merchant}",
    "merchant resume {merchant}",
    "merchant close {merchant}",
    "merchant show {merchant}",
    "merchant list",
    "merchant list --csv",
    "merchant import merchants.csv",
    "merchant store add {merchant} X X",
    "merchant store close {merchant} {store}",
    "merchant store list {merchant}",
    "merchant item add {merchant} X X --category FOOD",
    "merchant item list {merchant}",
    "merchant category add X X --under FOOD",
    "merchant category list",
    "fee-plan add X X fees.json --under issuer:{issuer}",
    "fee-plan change {fees} fees.json --from 2030-01-01T00:00:00+00:00",
    "fee-plan show {fees}",
    "fee-plan list",
    "terminal add {merchant} X0000001",
    "terminal change {merchant} {terminal} --model X",
    "terminal limit {merchant} {terminal} --floor-minor 1 --total-minor 1 --sales 1",
    "terminal replace {merchant} {terminal} --serial 2",
    "terminal activate {merchant} {terminal}",
    "terminal suspend {merchant} {terminal}",
    "terminal resume {merchant} {terminal}",
    "terminal close {merchant} {terminal}",
    "terminal show {merchant} {terminal}",
    "terminal list",
    "terminal list --csv",
    "terminal list --merchant {merchant}",
    "terminal import terminals.csv",
    "terminal batch show {merchant} {terminal}",
    "terminal batch close {merchant} {terminal}",
    "terminal batch close-due",
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(\+00:00)?")
ABOUT_ONESELF = {"operator password"}
SNOOPS = {"eve": "issuer_admin", "kim": "issuer_clerk"}


@dataclass(frozen=True)
class City:
    """An installation with two issuers."""

    people: People
    folder: Path
    foreign: Mapping[str, str]

    def ask(self, snoop: str, command: str, names: Mapping[str, str]) -> tuple[int, str]:
        """What a command answers, with the names that were typed replaced by their places."""
        typed = {place: name for place, name in names.items() if f"{{{place}}}" in command + _file(command)}
        arguments = [self._word(word, names) for word in command.split()]
        ran = self.people.by(snoop, *arguments, stdin=f"{names['document']}\n")
        answer = _MOMENT.sub("{moment}", ran.out + ran.err)
        for place, name in typed.items():
            answer = re.sub(rf"\b{re.escape(name)}\b", f"{{{place}}}", answer)
        return ran.status, answer

    def _word(self, word: str, names: Mapping[str, str]) -> str:
        if word not in FILES:
            return word.format(**names)
        content = FILES[word]
        for place, name in names.items():
            content = content.replace(f"{{{place}}}", name)
        file = self.folder / word
        file.write_text(content, encoding="utf-8")
        return str(file)


def _file(command: str) -> str:
    return "".join(FILES.get(word, "") for word in command.split())


@pytest.fixture(scope="module")
def city(
    app: typer.Typer,
    runner: CliRunner,
    postgres_dsn: str,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[City]:
    """The installation, kept for all commands."""
    folder = tmp_path_factory.mktemp("city")
    name = f"cardswitch_{uuid.uuid4().hex}"
    dsn = urlsplit(postgres_dsn)._replace(path=f"/{name}").geturl()
    asyncio.run(_execute(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {template}"))
    with pytest.MonkeyPatch.context() as patch:
        for variable in os.environ:
            if variable.startswith("CARDSWITCH_"):
                patch.delenv(variable)
        patch.setattr("hsm_soft.passphrase._MEMORY_KIB", 64)
        people = People(_commands(app, runner, _settings(folder, dsn)), patch)
        proposal = _settle(people, folder, dsn)
        yield City(people, folder, FOREIGN | {"proposal": proposal})
    asyncio.run(_execute(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


def _settings(folder: Path, dsn: str) -> Path:
    (folder / "key.hex").write_text(MASTER_KEY.hex())
    file = folder / "settings.toml"
    file.write_text(
        f"""
        home = "{folder}"
        database.dsn = "{dsn}"
        hsm.master_key_file = "{folder / "key.hex"}"
        observability.log_level = "error"
        """
    )
    return file


def _commands(app: typer.Typer, runner: CliRunner, settings: Path) -> Callable[..., Ran]:
    def run(*arguments: str, stdin: str = "") -> Ran:
        result = runner.invoke(app, [*arguments, "--config", str(settings)], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


def _settle(people: People, folder: Path, dsn: str) -> str:
    """The records of the first issuer and the people of the second; a proposal of the first that waits."""
    for name in ("terms.json", "fees.json"):
        (folder / name).write_text(FILES[name])
    (folder / "person.json").write_text(PERSON)
    people.first("root")
    people.added("rosa", "platform_admin", "platform", by="root")

    def root(*arguments: str) -> None:
        people.told("root", *arguments)

    root("issuer", "add", FOREIGN["issuer"], SECRET)
    root("issuer", "add", "OTHER", "Other")
    root("agent", "add", FOREIGN["agent"], SECRET, "--under", "issuer:ZQBANK")
    root(
        *("product", "add", FOREIGN["product"], SECRET, "--party", "issuer:ZQBANK"),
        *("--terms", str(folder / "terms.json")),
    )
    root("range", "register", "622588", "--digits", "16", "--name", SECRET)
    root("range", "allocate", FOREIGN["range"], "--to", "issuer:ZQBANK", "--name", SECRET)
    root("customer", "add", "--party", "issuer:ZQBANK", "--person", str(folder / "person.json"))
    bound = people.by("root", "customer", "bind", "1", "account", SECRET, stdin="62170000\n")
    assert bound.status == 0, bound.err
    root("fee-plan", "add", FOREIGN["fees"], SECRET, str(folder / "fees.json"), "--under", "issuer:ZQBANK")
    shop = FOREIGN["merchant"]
    root("merchant", "apply", shop, SECRET, "--category", "5411", "--under", "issuer:ZQBANK")
    root("merchant", "store", "add", shop, FOREIGN["store"], SECRET)
    root("terminal", "add", shop, FOREIGN["terminal"], "--model", SECRET, "--serial", "1")
    asyncio.run(_execute(dsn, _CARD))
    people.added(FOREIGN["operator"], "issuer_admin", "issuer:ZQBANK", by="root", approved_by="rosa")
    for snoop, role in SNOOPS.items():
        people.added(snoop, role, "issuer:OTHER", by="root", approved_by="rosa")
    people.environment.setenv("CARDSWITCH_OPERATOR_NEW_PASSWORD", GIVEN)
    proposed = people.by("zqanna", "operator", "reset", "zqanna", "--json")
    assert proposed.status == 1
    proposed = people.by("root", "operator", "reset", "zqanna", "--json")
    return str(proposed.json["proposal"])


_CARD = """
WITH batch AS (
    INSERT INTO directory.card_batch
    SELECT (jsonb_populate_record(NULL::directory.card_batch, jsonb_build_object(
        'id', 1, 'party_id', party.id, 'product_id', product.id, 'range_id', number_range.id, 'state', 'made',
        'cards', 1, 'recycled', 0, 'first_position', 0, 'part_cards', 1, 'expiry', '3112',
        'service_code', '520', 'pin_length', 6, 'initial_minor', 0, 'asset', 156, 'printer', 'house',
        'opened_us', 1))).*
    FROM directory.party, directory.product, directory.number_range
    WHERE party.code = 'ZQBANK' AND product.code = 'ZQGIFT' AND number_range.party_id = party.id
    RETURNING id, party_id, product_id)
INSERT INTO directory.card (id, pan_index, party_id, product_id, wallet_id, state, expiry, printed_expiry,
                            pan_sealed, pin_salt, pin_value, serial, batch_id)
SELECT 1, decode(repeat('ab', 16), 'hex'), party_id, product_id, 1, 'stock', '3112', '3112',
       'sealed', 'salt', 'value', 'ZQ-00001', id
FROM batch
"""


async def _execute(dsn: str, statement: str) -> None:
    connection = await connect(dsn)
    await connection.execute(statement)
    await connection.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_foreign_records_answer_like_none(city: City, command: str) -> None:
    """With names of foreign records and with names that nobody has, an operator gets the same answer."""
    for snoop in SNOOPS:
        status, answer = city.ask(snoop, command, city.foreign)

        assert SECRET not in answer
        assert "ZQ" not in answer
        assert city.ask(snoop, command, NOWHERE) == (status, answer)


def test_owner_sees_what_others_do_not(city: City) -> None:
    """The names that are foreign to the snoops are known to whoever they belong to."""
    for command in ("customer show {customer}", "terminal show {merchant} {terminal}", "agent show {agent}"):
        status, answer = city.ask("zqanna", command, city.foreign)

        assert (0, command) == (status, command), answer
    assert 1 == city.people.told("zqanna", "customer", "count")["customers"]
    assert 0 == city.people.told("eve", "customer", "count")["customers"]


def test_every_command_is_tried(app: typer.Typer) -> None:
    """Every command that an operator gives is in the table."""
    tried = {" ".join(_path(typer.main.get_command(app), command.split())) for command in COMMANDS}

    assert sorted(_with_operator(typer.main.get_command(app), "")) == sorted(tried | ABOUT_ONESELF)


def _path(command: Any, words: list[str]) -> Iterator[str]:
    """The words that name a command, without what it is given."""
    for word in words:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            return
        yield word


def _with_operator(command: Any, path: str) -> Iterator[str]:
    """The names of the commands that ask for an operator."""
    for name, each in getattr(command, "commands", {}).items():
        yield from _with_operator(each, f"{path} {name}".strip())
    if any(parameter.name == "operator" for parameter in command.params):
        yield path
