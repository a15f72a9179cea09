"""What a merchant or a terminal offers, and whose cards it takes.

Both have an offer; the hot path sees what is in both (`directory.reading`). Nothing said is no restriction.
Products are named by their codes where people see them and by their numbers inside; an operator can name only
products within reach.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import asyncpg

from directory.content import Content
from directory.product_terms import CardService
from directory.refusals import InvalidValue, NoSuchRecord, message
from directory.rights import Action
from directory.subjects import Kind
from directory.work import Work

_KNOWN: Final = "SELECT id FROM directory.product WHERE id = ANY ($2::bigint[]) AND "
_BY_CODE: Final = "SELECT id FROM directory.product WHERE code = ANY ($2::text[]) AND "

_CODES: Final = "SELECT id, code FROM directory.product WHERE id = ANY ($1::bigint[])"


@dataclass(frozen=True, slots=True)
class Offer:
    """Services, and cards.

    Attributes:
        services: What is offered; None for whatever the cards allow.
        accepts: The products whose cards are taken, by number; None for all.
    """

    services: frozenset[CardService] | None = None
    accepts: frozenset[int] | None = None

    @property
    def columns(self) -> tuple[list[str] | None, list[int] | None]:
        """As the tables hold it."""
        services, accepts = self.services, self.accepts
        return None if services is None else sorted(services), None if accepts is None else sorted(accepts)

    @property
    def told(self) -> Content:
        """As the audit tells it."""
        services, accepts = self.columns
        return {
            "services": None if services is None else [*services],
            "accepts": None if accepts is None else [*accepts],
        }


EVERYTHING: Final = Offer()


def offer_of(row: asyncpg.Record) -> Offer:
    """The offer in the columns `services` and `accepts` of a row."""
    services, accepts = row["services"], row["accepts"]
    return Offer(
        None if services is None else frozenset(map(CardService, services)),
        None if accepts is None else frozenset(accepts),
    )


def services_named(names: Collection[str]) -> frozenset[CardService]:
    """Services by their names.

    Raises:
        InvalidValue: There is no such service.
    """
    try:
        return frozenset(map(CardService, names))
    except ValueError:
        raise InvalidValue(
            field="services", reason=message("there is no such service; products list them")
        ) from None


async def products_named(work: Work, codes: Collection[str]) -> frozenset[int]:
    """Products within reach by their codes.

    Raises:
        NotAllowed: The role sees no products.
        NoSuchRecord: One of them isn't there.
    """
    scope = work.scope(Action.PRODUCT_SEE)
    rows = await work.connection.fetch(_BY_CODE + scope.where("party_id", 1), scope.prefix, list(codes))
    if len(rows) < len(set(codes)):
        raise NoSuchRecord(kind=Kind.PRODUCT)
    return frozenset(row["id"] for row in rows)


async def check_offer(work: Work, offer: Offer) -> None:
    """Refuse products that aren't there.

    Raises:
        NotAllowed: The role sees no products.
        NoSuchRecord: One of them isn't within reach.
    """
    if offer.accepts is None:
        return
    scope = work.scope(Action.PRODUCT_SEE)
    rows = await work.connection.fetch(_KNOWN + scope.where("party_id", 1), scope.prefix, list(offer.accepts))
    if len(rows) < len(offer.accepts):
        raise NoSuchRecord(kind=Kind.PRODUCT)


async def product_codes(work: Work, offers: Iterable[Offer]) -> dict[int, str]:
    """The codes of the products that offers name: who sees an offer may see what it says."""
    wanted = {each for offer in offers for each in offer.accepts or ()}
    return {row["id"]: row["code"] for row in await work.connection.fetch(_CODES, list(wanted))}
