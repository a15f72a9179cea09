"""The language in which people are answered: gettext, with the English texts as keys.

So English needs no catalogue. Those of other languages are `.po` files beside this module, read by Babel when
their language is chosen: nothing is compiled ahead, and nothing compiled can be stale.

What is chosen holds for the current context: a command's whole run, or one request of a page.

`local` is the mark by which the extractor finds texts of commands, `directory.refusals.message` the mark of
services. Values that are texts of the catalogue themselves (a state, a role, a reason) are translated too.
"""

import io
from collections.abc import Mapping
from contextvars import ContextVar
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final

from directory.refusals import Refused

DEFAULT: Final = "en"
CATALOGUES: Final = Path(__file__).parent / "locale"
FILE: Final = Path("LC_MESSAGES", "cardswitch.po")

# What a system may call a language we have; compared without case, encoding and modifier.
_NAMES: Final[Mapping[str, str]] = {
    "zh": "zh_CN",
    "zh_cn": "zh_CN",
    "zh_sg": "zh_CN",
    "zh_hans": "zh_CN",
    "zh_hans_cn": "zh_CN",
    "en": "en",
    "c": "en",
    "posix": "en",
}
_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")

_chosen: ContextVar[NullTranslations] = ContextVar("language")


class UnknownLanguage(ValueError):
    """There is no catalogue for this language."""


def choose_language(asked: str | None, environment: Mapping[str, str]) -> str:
    """Answer in the language asked for, or else in the one of the system, or else in English.

    Returns:
        The language's name.

    Raises:
        UnknownLanguage: The one asked for is none we have.
    """
    name = _named(asked) if asked else _of_system(environment)
    if name is None:
        raise UnknownLanguage(", ".join(sorted(set(_NAMES.values()))))
    _chosen.set(NullTranslations() if name == DEFAULT else _catalogue(name))
    return name


def local(text: str, **values: object) -> str:
    """A text in the chosen language, with values in its braces."""
    translations = _chosen.get(None) or NullTranslations()
    filled = {
        name: translations.gettext(value) if isinstance(value, str) and value else value
        for name, value in values.items()
    }
    return translations.gettext(text).format_map(filled)


def told(refused: Refused) -> str:
    """A refusal in the chosen language."""
    return local(refused.text, **refused.values)


def _named(name: str) -> str | None:
    bare = name.partition(".")[0].partition("@")[0].replace("-", "_").lower()
    return _NAMES.get(bare) or _NAMES.get(bare.partition("_")[0] if bare.startswith("en_") else bare)


def _of_system(environment: Mapping[str, str]) -> str:
    """The first variable that says anything decides, as in gettext; English if it is none we have."""
    said = next((environment[each] for each in _VARIABLES if environment.get(each)), DEFAULT)
    return _named(said) or DEFAULT


def _catalogue(name: str) -> NullTranslations:
    # Babel is imported for those who need it: commands start often.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = io.BytesIO()
    with (CATALOGUES / name / FILE).open("rb") as source:
        write_mo(compiled, read_po(source, locale=name))
    compiled.seek(0)
    return GNUTranslations(compiled)
