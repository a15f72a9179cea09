"""`cardswitch product`: versions proposed, approved, listed and taken back."""

import pytest

from tests.switch.commands.issuing import TERMS, Issuing

DEARER = TERMS.replace('"pin_length": 4', '"pin_length": 6')


def test_product_is_changed_by_two(issuing: Issuing) -> None:
    """A further version is proposed by one, approved by another, and shown with the first."""
    people = issuing.people
    people.approved("ada", "product", "change", "GIFT", *issuing.product(DEARER)[2:], approved_by="root")
    (shown,) = people.told("clare", "product", "show", "GIFT")["products"]
    text = people.by("clare", "product", "show", "GIFT").out

    assert ["GIFT", "礼品卡", [4, 6]] == [
        *(shown["code"], shown["name"]),
        [version["terms"]["pin_length"] for version in shown["versions"]],
    ]
    assert text.splitlines()[0].split() == ["GIFT", "gift", "2", "礼品卡"]
    assert '"pin_length":6' in text


def test_version_that_lies_ahead_is_withdrawn(issuing: Issuing) -> None:
    """What begins later can be taken back before."""
    people = issuing.people
    ahead = ("--from", "2099-01-01", *issuing.product(DEARER)[2:])
    people.approved("ada", "product", "change", "GIFT", *ahead, approved_by="root")
    (after,) = people.told("ada", "product", "withdraw", "GIFT", "2")["products"]
    too_late = people.by("ada", "product", "withdraw", "GIFT", "1")

    assert len(after["versions"]) == 1
    assert (1, True) == (too_late.status, "is in force" in too_late.err)


def test_products_go_out_and_come_in_as_csv(issuing: Issuing) -> None:
    """What is exported is imported under other codes; a dry run leaves nothing, an error names its row."""
    people = issuing.people
    exported = people.by("root", "product", "list", "--csv").out
    file = issuing.folder / "products.csv"
    file.write_text(exported.replace("GIFT", "MEAL"), encoding="utf-8-sig")
    dry = people.told("root", "product", "import", str(file), "--dry-run")
    people.told("root", "product", "import", str(file))
    again = people.by("root", "product", "import", str(file))
    listed = people.told("root", "product", "list")["products"]

    assert ["MEAL"] == [each["code"] for each in dry["products"]]
    assert ["GIFT", "MEAL"] == [each["code"] for each in listed]
    assert listed[0]["versions"][0]["terms"] == listed[1]["versions"][0]["terms"]
    assert (1, True) == (again.status, "row 2" in again.err)


@pytest.mark.parametrize(
    ("terms", "told"), [("{", "Invalid JSON"), ("{}", "card_class"), (TERMS.replace("156", "0"), "currency")]
)
def test_bad_terms_are_told(issuing: Issuing, terms: str, told: str) -> None:
    """One line says which field breaks which rule."""
    ran = issuing.people.by("ada", "product", "add", "NEW", "New", *issuing.product(terms))

    assert (1, True) == (ran.status, told in ran.err)


def test_product_may_begin_later(issuing: Issuing) -> None:
    """A product is added today for a day that is to come."""
    options = ("--from", "2099-01-01T00:00:00+08:00", *issuing.product(TERMS))
    (added,) = issuing.people.told("ada", "product", "add", "LATER", "Later", *options)["products"]

    assert added["versions"][0]["effective_from"] == "2098-12-31T16:00:00+00:00"
