"""`cardswitch merchant` and `fee-plan`: what operators type, and what they are answered."""

from pathlib import Path
from typing import Any

import pytest

from tests.switch.commands.people import People

SHOP = "990001000000077"
TERMS = '{"fees": [{"services": ["purchase"], "basis_points": 60}]}'
SETTLEMENT = (
    *("--fee-plan", "STANDARD", "--account-name", "Corner Ltd", "--bank", "102100099996"),
    *("--account", "6217000012345678"),
)


@pytest.fixture
def shop(people: People) -> People:
    """A merchant that has applied, and a fee plan."""
    people.told("root", "fee-plan", "add", "STANDARD", "Standard", "-", stdin=TERMS)
    people.told("root", "merchant", "apply", SHOP, "街角店", "--category", "5411")
    return people


def _shown(people: People, operator: str = "root") -> Any:
    return people.told(operator, "merchant", "show", SHOP)["merchants"][0]


def test_merchant_from_application_to_closing(shop: People) -> None:
    """Each step needs the one before, approval a second operator; the account is shown by its last digits."""
    early = shop.by("root", "merchant", "approve", SHOP)
    shop.told("root", "merchant", "settle", SHOP, *SETTLEMENT)
    shop.approved("root", "merchant", "approve", SHOP, approved_by="rosa")
    states = [
        shop.told("root", "merchant", event, SHOP)["merchants"][0]["state"]
        for event in ("go-live", "suspend", "resume", "close")
    ]
    late = shop.by("root", "merchant", "resume", SHOP)

    assert (1, "cardswitch: settlement data and a fee plan are wanted first\n") == (early.status, early.err)
    assert states == ["live", "suspended", "live", "closed"]
    assert (1, "cardswitch: a merchant that is closed can't resume\n") == (late.status, late.err)
    assert _shown(shop)["settlement"] == {
        "cycle": "daily",
        "days": 1,
        "method": "net",
        "account_name": "Corner Ltd",
        "bank": "102100099996",
        "account": "…5678",
    }


def test_application_can_be_rejected(shop: People) -> None:
    """It is closed then."""
    assert shop.told("root", "merchant", "reject", SHOP)["merchants"][0]["state"] == "closed"


def test_merchant_changes_what_is_given(shop: People) -> None:
    """The rest stays; `all` takes a restriction back."""
    shop.told("root", "merchant", "change", SHOP, "--services", "purchase, refund", "--category", "5812")
    first = _shown(shop)
    shop.told("root", "merchant", "change", SHOP, "--services", "all", "--name", "Other")
    second = _shown(shop)

    assert (first["name"], first["category"], first["services"]) == ("街角店", "5812", ["purchase", "refund"])
    assert (second["name"], second["category"], second["services"]) == ("Other", "5812", None)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--services", "flying"), "services: there is no such service; products list them"),
        (("--accepts", "NONE"), "no such product"),
        (("--category", "food"), "category: four digits are wanted"),
    ],
)
def test_what_makes_no_sense_is_refused(shop: People, options: tuple[str, ...], told: str) -> None:
    """One line says what is wrong."""
    ran = shop.by("root", "merchant", "change", SHOP, *options)

    assert (1, f"cardswitch: {told}\n") == (ran.status, ran.err)


def test_merchants_are_exported_and_imported(shop: People, tmp_path: Path) -> None:
    """What one list exports, another import applies for, all or nothing; a dry run changes nothing."""
    exported = shop.by("root", "merchant", "list", "--csv").out
    file = tmp_path / "merchants.csv"
    file.write_text(exported.replace(SHOP, "990001000000078").replace("街角店", "'=Sum"), encoding="utf-8")
    dry = shop.by("root", "merchant", "import", str(file), "--dry-run")
    after_dry = shop.told("root", "merchant", "list")["merchants"]
    done = shop.by("root", "merchant", "import", str(file))
    twice = shop.by("root", "merchant", "import", str(file))
    names = [each["name"] for each in shop.told("root", "merchant", "list")["merchants"]]

    assert exported == (
        f"merchant_id,name,category,under,services,accepts\r\n{SHOP},街角店,5411,platform,all,all\r\n"
    ).replace("\r\n", "\n" if "\r" not in exported else "\r\n")
    assert (dry.status, len(after_dry), done.status) == (0, 1, 0)
    assert names == ["街角店", "=Sum"]
    assert twice.status == 1
    assert twice.err.startswith("row 2: there is a merchant of this name already")


def test_stores_items_and_categories(shop: People) -> None:
    """They are added, listed and closed."""
    shop.told("root", "merchant", "store", "add", SHOP, "S1", "Main street", "--address", "1 Main street")
    shop.told("root", "merchant", "category", "add", "FOOD", "Food")
    shop.told(
        *("root", "merchant", "item", "add", SHOP, "LUNCH", "Lunch"),
        *("--category", "FOOD", "--price-minor", "2500"),
    )
    closed = shop.told("root", "merchant", "store", "close", SHOP, "S1")

    assert closed["stores"][0]["state"] == "closed"
    assert shop.told("root", "merchant", "store", "list", SHOP) == closed
    assert shop.told("root", "merchant", "category", "list") == {
        "categories": [{"code": "FOOD", "name": "Food"}]
    }
    assert shop.told("root", "merchant", "item", "list", SHOP)["items"][0]["price_minor"] == 2500
    assert "LUNCH  FOOD  Lunch  2500" in shop.by("root", "merchant", "item", "list", SHOP).out


def test_fee_plan_changes_by_four_eyes(shop: People) -> None:
    """Its second version is there once a second operator agrees."""
    cheaper = TERMS.replace("60", "30")
    change = ("fee-plan", "change", "STANDARD", "-", "--from", "2099-01-01T00:00:00+08:00")
    proposed = shop.by("root", *change, "--json", stdin=cheaper)
    shop.told("rosa", "approval", "approve", str(proposed.json["proposal"]))
    (plan,) = shop.told("root", "fee-plan", "show", "STANDARD")["fee_plans"]

    assert proposed.status == 3
    assert [60, 30] == [version["terms"]["fees"][0]["basis_points"] for version in plan["versions"]]
    assert plan["versions"][1]["effective_from"].startswith("2098-12-31T16:00:00")
    assert "STANDARD" in shop.by("root", "fee-plan", "list").out


@pytest.mark.parametrize("moment", ["tomorrow", "2099-01-01", "2099-01-01T00:00:00"])
def test_moment_needs_its_offset(shop: People, moment: str) -> None:
    """What time that is elsewhere is never guessed."""
    ran = shop.by("root", "fee-plan", "change", "STANDARD", "-", "--from", moment, stdin=TERMS)

    assert ran.status == 2


def test_terms_that_make_no_plan_are_refused(shop: People) -> None:
    """The field is named."""
    ran = shop.by("root", "fee-plan", "add", "OTHER", "Other", "-", stdin='{"fees": [{}]}')

    assert ran.status == 1
    assert "fees.0.services" in ran.err


def test_foreign_merchants_are_not_there(shop: People) -> None:
    """An issuer's clerk sees none of the platform's, and is told so as of one that doesn't exist."""
    shop.told("root", "issuer", "add", "B1", "Bank")
    shop.added("carl", "issuer_clerk", "issuer:B1", by="root", approved_by="rosa")

    for name in (SHOP, "990001999999999"):
        ran = shop.by("carl", "merchant", "show", name)
        assert (1, "cardswitch: no such merchant\n") == (ran.status, ran.err)
    assert shop.told("carl", "merchant", "list") == {"merchants": []}
    assert SHOP in shop.by("root", "merchant", "list").out
