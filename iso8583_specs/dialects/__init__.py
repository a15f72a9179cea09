"""The dialects by name; a new one is a module here with its table, and a row below.

A profile is a deployment's deviations from its dialect: a few fields laid over the dialect's table, named
`<dialect>.<profile>`. What a user adds comes from a file (see `dialect_files`) and stays for as long as the
program runs; a name never changes its meaning.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from iso8583_specs.dialects import iso1987, iso1993, unionpay_pos
from iso8583_specs.spec import FieldSpec, Spec

_TABLES: Final[Mapping[str, Spec]] = {"unionpay_pos": unionpay_pos.SPEC, **iso1987.SPECS, **iso1993.SPECS}
_PROFILES: Final[Mapping[str, Mapping[str, FieldSpec]]] = {
    **{f"unionpay_pos.{profile}": overrides for profile, overrides in unionpay_pos.PROFILES.items()},
    **iso1987.PROFILES,
    **iso1993.PROFILES,
}

_known: Final[dict[str, Spec]] = {
    **_TABLES,
    **{
        name: MappingProxyType({**_TABLES[name.partition(".")[0]], **overrides})
        for name, overrides in _PROFILES.items()
    },
}

DIALECTS: Final[Mapping[str, Spec]] = MappingProxyType(_known)


class UnknownDialect(LookupError):
    """No dialect or profile of that name."""


class DialectExists(ValueError):
    """There is another dialect of that name."""


def add(dialect: str, spec: Spec) -> None:
    """Make a dialect known by its name.

    Raises:
        DialectExists: The name is that of another one.
    """
    if _known.setdefault(dialect, spec) != spec:
        raise DialectExists(f"there is another dialect {dialect!r}")


def spec_for(dialect: str) -> Spec:
    """The wire format of a dialect or of one of its profiles.

    Raises:
        UnknownDialect: There is none of that name.
    """
    spec = DIALECTS.get(dialect)
    if spec is None:
        raise UnknownDialect(f"no dialect {dialect!r}; there are {', '.join(DIALECTS)}")
    return spec
