"""The dialects by name; a new one is a module here with its table, and a row below.

A profile is a deployment's deviations from its dialect: a few fields laid over the dialect's table, named
`<dialect>.<profile>`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from iso8583_specs.dialects import unionpay_pos
from iso8583_specs.spec import Spec

DIALECTS: Final[Mapping[str, Spec]] = MappingProxyType(
    {"unionpay_pos": unionpay_pos.SPEC}
    | {
        f"unionpay_pos.{profile}": MappingProxyType({**unionpay_pos.SPEC, **overrides})
        for profile, overrides in unionpay_pos.PROFILES.items()
    }
)


class UnknownDialect(LookupError):
    """No dialect or profile of that name."""


def spec_for(dialect: str) -> Spec:
    """The wire format of a dialect or of one of its profiles.

    Raises:
        UnknownDialect: There is none of that name.
    """
    spec = DIALECTS.get(dialect)
    if spec is None:
        raise UnknownDialect(f"no dialect {dialect!r}; there are {', '.join(DIALECTS)}")
    return spec
