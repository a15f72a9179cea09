"""Who may do what: one total table of roles and actions. Pure.

Each action has a row: for each role, in the order of `Role`, how far the right reaches:

    A   every party's records                              (ALL)
    O   records of the operator's party and those below    (OWN)
    -   nothing                                            (NONE)

An action that needs four eyes has a second word: the roles that may approve what another has proposed, each
reaching as far as its own right does. An action without a second word is done at once.

The operator of the platform's party has every party below its own, so O reaches as far as A for them. The
table is the only place where this is decided; `docs/rights.md` is printed from it, and every cell is tested.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What an operator is employed as."""

    PLATFORM_ADMIN = "platform_admin"
    ISSUER_ADMIN = "issuer_admin"
    ISSUER_CLERK = "issuer_clerk"
    MERCHANT_ADMIN = "merchant_admin"
    MERCHANT_CASHIER = "merchant_cashier"
    AUDITOR = "auditor"
    SECURITY_OFFICER = "security_officer"


class Action(StrEnum):
    """Everything that can be done to the directory or read from it."""

    PARTY_SEE = "party.see"
    ISSUER_ADD = "issuer.add"
    AGENT_ADD = "agent.add"
    PARTNER_ADD = "partner.add"

    OPERATOR_SEE = "operator.see"
    OPERATOR_ADD = "operator.add"
    OPERATOR_RESET = "operator.reset"
    OPERATOR_LOCK = "operator.lock"
    OPERATOR_UNLOCK = "operator.unlock"
    OPERATOR_DISABLE = "operator.disable"

    PRODUCT_SEE = "product.see"
    PRODUCT_ADD = "product.add"
    PRODUCT_CHANGE = "product.change"
    PRODUCT_WITHDRAW = "product.withdraw"

    RANGE_SEE = "range.see"
    RANGE_REGISTER = "range.register"
    RANGE_ALLOCATE = "range.allocate"
    RANGE_CLOSE = "range.close"

    CARD_SEE = "card.see"
    CARD_OPEN = "card.open"
    CARD_OPEN_FUNDED = "card.open_funded"
    CARD_RELEASE = "card.release"
    CARD_ISSUE = "card.issue"
    CARD_ACTIVATE = "card.activate"
    CARD_FREEZE = "card.freeze"
    CARD_UNFREEZE = "card.unfreeze"
    CARD_REPORT = "card.report"
    CARD_RECOVER = "card.recover"
    CARD_REPLACE = "card.replace"
    CARD_EXPIRE = "card.expire"
    CARD_EXTEND = "card.extend"
    CARD_CLOSE = "card.close"
    CARD_RESET_PIN = "card.reset_pin"

    CUSTOMER_SEE = "customer.see"
    CUSTOMER_SEE_PERSONAL = "customer.see_personal"
    CUSTOMER_ADD = "customer.add"
    CUSTOMER_CHANGE = "customer.change"
    CUSTOMER_VERIFY = "customer.verify"
    CUSTOMER_BIND = "customer.bind"
    CUSTOMER_CLOSE = "customer.close"

    MERCHANT_SEE = "merchant.see"
    MERCHANT_APPLY = "merchant.apply"
    MERCHANT_APPROVE = "merchant.approve"
    MERCHANT_REJECT = "merchant.reject"
    MERCHANT_GO_LIVE = "merchant.go_live"
    MERCHANT_SUSPEND = "merchant.suspend"
    MERCHANT_RESUME = "merchant.resume"
    MERCHANT_CLOSE = "merchant.close"
    MERCHANT_CHANGE = "merchant.change"
    MERCHANT_SETTLE = "merchant.settle"
    MERCHANT_STORE = "merchant.store"
    MERCHANT_ITEM = "merchant.item"
    CATEGORY_ADD = "category.add"

    FEE_PLAN_SEE = "fee_plan.see"
    FEE_PLAN_ADD = "fee_plan.add"
    FEE_PLAN_CHANGE = "fee_plan.change"

    TERMINAL_SEE = "terminal.see"
    TERMINAL_ADD = "terminal.add"
    TERMINAL_CHANGE = "terminal.change"
    TERMINAL_LIMIT = "terminal.limit"
    TERMINAL_ACTIVATE = "terminal.activate"
    TERMINAL_SUSPEND = "terminal.suspend"
    TERMINAL_RESUME = "terminal.resume"
    TERMINAL_REPLACE = "terminal.replace"
    TERMINAL_CLOSE = "terminal.close"
    BATCH_CLOSE = "batch.close"

    APPROVAL_SEE = "approval.see"
    AUDIT_SEE = "audit.see"
    AUDIT_VERIFY = "audit.verify"


class Reach(StrEnum):
    """How far a right reaches."""

    NONE = "-"
    OWN = "O"
    ALL = "A"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: how far each role's right to an action reaches, and who may approve it."""

    reach: Mapping[Role, Reach]
    approvers: frozenset[Role]

    @property
    def needs_four_eyes(self) -> bool:
        """Whether a second operator has to approve."""
        return bool(self.approvers)


def rule_of(row: str) -> Rule:
    """A rule from its row: a letter for each role, and for four eyes a second word of the same length."""
    reach, _, approve = row.partition(" ")
    approvers = frozenset(role for role, letter in zip(Role, approve, strict=False) if letter != "-")
    return Rule(
        MappingProxyType({role: Reach(letter) for role, letter in zip(Role, reach, strict=True)}), approvers
    )


# platform_admin issuer_admin issuer_clerk merchant_admin merchant_cashier auditor security_officer
_ROWS: Final = {
    Action.PARTY_SEE: "AOOOOOA",
    Action.ISSUER_ADD: "A------",
    Action.AGENT_ADD: "AO-----",
    Action.PARTNER_ADD: "A------",
    Action.OPERATOR_SEE: "AO-O-OA",
    Action.OPERATOR_ADD: "AO-O--A AO-O--A",
    Action.OPERATOR_RESET: "AO-O--A AO-O--A",
    Action.OPERATOR_LOCK: "AO-O--A",
    Action.OPERATOR_UNLOCK: "AO-O--A",
    Action.OPERATOR_DISABLE: "AO-O--A",
    Action.PRODUCT_SEE: "AOO--O-",
    Action.PRODUCT_ADD: "AO-----",
    Action.PRODUCT_CHANGE: "AO----- AO-----",
    Action.PRODUCT_WITHDRAW: "AO-----",
    Action.RANGE_SEE: "AOO--O-",
    Action.RANGE_REGISTER: "A------",
    Action.RANGE_ALLOCATE: "AO-----",
    Action.RANGE_CLOSE: "AO-----",
    Action.CARD_SEE: "AOO--O-",
    Action.CARD_OPEN: "AOO----",
    Action.CARD_OPEN_FUNDED: "AOO---- AO-----",
    Action.CARD_RELEASE: "AOO---- AO-----",
    Action.CARD_ISSUE: "AOO----",
    Action.CARD_ACTIVATE: "AOO----",
    Action.CARD_FREEZE: "AOO----",
    Action.CARD_UNFREEZE: "AO-----",
    Action.CARD_REPORT: "AOO----",
    Action.CARD_RECOVER: "AOO----",
    Action.CARD_REPLACE: "AOO----",
    Action.CARD_EXPIRE: "AO-----",
    Action.CARD_EXTEND: "AO-----",
    Action.CARD_CLOSE: "AO-----",
    Action.CARD_RESET_PIN: "AOO----",
    Action.CUSTOMER_SEE: "AOO--O-",
    Action.CUSTOMER_SEE_PERSONAL: "AOO----",
    Action.CUSTOMER_ADD: "AOO----",
    Action.CUSTOMER_CHANGE: "AOO----",
    Action.CUSTOMER_VERIFY: "AOO----",
    Action.CUSTOMER_BIND: "AOO----",
    Action.CUSTOMER_CLOSE: "AO-----",
    Action.MERCHANT_SEE: "AOOOOOA",
    Action.MERCHANT_APPLY: "AOO----",
    Action.MERCHANT_APPROVE: "AO----- AO-----",
    Action.MERCHANT_REJECT: "AO-----",
    Action.MERCHANT_GO_LIVE: "AO-----",
    Action.MERCHANT_SUSPEND: "AOO----",
    Action.MERCHANT_RESUME: "AO-----",
    Action.MERCHANT_CLOSE: "AO-----",
    Action.MERCHANT_CHANGE: "AOO----",
    Action.MERCHANT_SETTLE: "AO----- AO-----",
    Action.MERCHANT_STORE: "AOOO---",
    Action.MERCHANT_ITEM: "AOOO---",
    Action.CATEGORY_ADD: "AO-----",
    Action.FEE_PLAN_SEE: "AOO--O-",
    Action.FEE_PLAN_ADD: "AO-----",
    Action.FEE_PLAN_CHANGE: "AO----- AO-----",
    Action.TERMINAL_SEE: "AOOOOOA",
    Action.TERMINAL_ADD: "AOO----",
    Action.TERMINAL_CHANGE: "AOO----",
    Action.TERMINAL_LIMIT: "AO----- AO-----",
    Action.TERMINAL_ACTIVATE: "AOO----",
    Action.TERMINAL_SUSPEND: "AOOO---",
    Action.TERMINAL_RESUME: "AOO----",
    Action.TERMINAL_REPLACE: "AOO----",
    Action.TERMINAL_CLOSE: "AO-----",
    Action.BATCH_CLOSE: "AOOO---",
    Action.APPROVAL_SEE: "AOOOOOA",
    Action.AUDIT_SEE: "AO-O-OA",
    Action.AUDIT_VERIFY: "A----OA",
}

RIGHTS: Final[Mapping[Action, Rule]] = MappingProxyType(
    {action: rule_of(row) for action, row in _ROWS.items()}
)
"""The table."""
