"""The language of answers, and that the catalogues say everything there is to say."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

import directory
from directory.refusals import InvalidValue, NotAllowed, message
from directory.rights import Action, Reach, Role
from directory.work import Happening
from switch.language import CATALOGUES, FILE, UnknownLanguage, choose_language, local, told
from switch.words import WORDS

ROOT = Path(__file__).resolve().parents[2]
BRACES = re.compile(r"{\w+}")
KEYWORDS = {**DEFAULT_KEYWORDS, "message": None, "local": None}


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """What a test chooses doesn't outlive it."""
    choose_language("en", {})
    yield
    choose_language("en", {})


@pytest.fixture(scope="module")
def texts() -> set[str]:
    """Every text that is marked in the code."""
    found = set()
    for package in ("directory", "switch"):
        for _, _, text, _, _ in extract_from_dir(ROOT / package, keywords=KEYWORDS):
            assert isinstance(text, str)
            found.add(text)
    return found


@pytest.fixture(scope="module", params=[path.parent.parent.name for path in CATALOGUES.rglob(FILE.name)])
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    """Each catalogue there is."""
    with (CATALOGUES / request.param / FILE).open("rb") as source:
        return read_po(source, locale=request.param)


def test_catalogue_says_everything(catalogue: Catalog, texts: set[str]) -> None:
    """Every text is translated, and nothing else is: `make messages` brings the file up to date."""
    translated = {entry.id for entry in catalogue if entry.id and entry.string and not entry.fuzzy}

    assert texts == translated


def test_translations_have_the_same_values(catalogue: Catalog) -> None:
    """A translation fills in exactly what the English text does."""
    assert not [
        entry.id
        for entry in catalogue
        if sorted(set(BRACES.findall(str(entry.id)))) != sorted(set(BRACES.findall(str(entry.string))))
    ]


def test_words_are_those_of_the_directory() -> None:
    """Every value of the directory's enumerations has a word; codes of actions stay as they are."""
    enumerations = {
        value
        for module in pkgutil.iter_modules(directory.__path__)
        if module.name != "rights_page"
        for value in vars(importlib.import_module(f"directory.{module.name}")).values()
        if isinstance(value, type) and issubclass(value, StrEnum)
    } - {Action, Happening, Reach}

    assert sorted({word.value for each in enumerations for word in each}) == list(WORDS)


@pytest.mark.parametrize(
    ("asked", "environment", "language"),
    [
        (None, {}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        (None, {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LANG": "en_GB", "LC_MESSAGES": "zh_CN"}, "zh_CN"),
        (None, {"LANG": "tlh"}, "en"),
        (None, {"LANG": ""}, "en"),
        ("zh-CN", {"LANG": "en_US"}, "zh_CN"),
        ("zh_Hans", {}, "zh_CN"),
        ("zh", {}, "zh_CN"),
        ("en_GB.UTF-8@euro", {"LANG": "zh_CN"}, "en"),
        ("EN", {}, "en"),
    ],
)
def test_language_is_chosen(asked: str | None, environment: dict[str, str], language: str) -> None:
    """What is asked for stands above the system's variables, in gettext's order, and English below all."""
    assert language == choose_language(asked, environment)


@pytest.mark.parametrize("asked", ["tlh", "zh_TW", "english"])
def test_unknown_language_is_refused(asked: str) -> None:
    """A language nobody translated to is not taken for another."""
    with pytest.raises(UnknownLanguage, match="en, zh_CN"):
        choose_language(asked, {})


def test_texts_and_values_are_translated() -> None:
    """A text is translated, and so are values that are texts themselves; others stay."""
    refused = NotAllowed(role=Role.AUDITOR, action=Action.CARD_FREEZE)
    nested = InvalidValue(field="name", reason=message("a short word in lower case is wanted"))
    assert "the role auditor does not allow card.freeze" == told(refused) == str(refused)

    choose_language("zh_CN", {})

    assert "角色“审计员”无权办理 card.freeze" == told(refused)
    assert "须为小写字母开头的短词" in told(nested)
    assert "批次 7" == local("batch {batch}", batch=7)
    assert "nobody translated this" == local("nobody translated this")


def test_values_are_never_taken_for_texts() -> None:
    """Braces and empty values are shown as they are."""
    choose_language("zh_CN", {})

    assert ":{reason}" == local("{field}: {reason}", field="", reason="{reason}").replace("\uff1a", ":")
