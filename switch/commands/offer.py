"""How commands take and show what merchants and terminals offer: services and products, in lists of words.

A word that is `all` takes a restriction back. Products are named by their codes.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, TypeAlias

import typer

from directory.csv_exchange import Column
from directory.offers import Offer, products_named, services_named
from directory.product_terms import CardService
from directory.work import Work

ALL: Final = "all"

_SERVICES: Final = typer.Option(help=f"Services, with commas between: {', '.join(CardService)}; or {ALL}.")
ServicesOption: TypeAlias = Annotated[str, _SERVICES]
NewServicesOption: TypeAlias = Annotated[str | None, _SERVICES]
_ACCEPTS: Final = typer.Option(help=f"Codes of the products whose cards are taken, with commas; or {ALL}.")
AcceptsOption: TypeAlias = Annotated[str, _ACCEPTS]
NewAcceptsOption: TypeAlias = Annotated[str | None, _ACCEPTS]

OFFER_COLUMNS: Final = (
    Column("services", required=False, absent=ALL),
    Column("accepts", required=False, absent=ALL),
)
"""Of a CSV file."""


async def offer_told(work: Work, services: str, accepts: str) -> Offer:
    """The offer in two lists.

    Raises:
        InvalidValue: There is no such service.
        NoSuchRecord: There is no such product within reach.
    """
    return Offer(
        None if services == ALL else services_named(_words(services)),
        None if accepts == ALL else await products_named(work, _words(accepts)),
    )


def offer_json(offer: Offer, codes: Mapping[int, str]) -> dict[str, list[str] | None]:
    """An offer as JSON shows it; null for no restriction."""
    accepts = offer.accepts
    return {
        "services": None if offer.services is None else sorted(offer.services),
        "accepts": None if accepts is None else sorted(codes.get(each, str(each)) for each in accepts),
    }


def offer_cells(offer: Offer, codes: Mapping[int, str]) -> dict[str, str]:
    """An offer as the two cells of a CSV file, or the two words of a line."""
    return {name: _listed(values) for name, values in offer_json(offer, codes).items()}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _listed(values: Iterable[str] | None) -> str:
    return ALL if values is None else ",".join(values)
