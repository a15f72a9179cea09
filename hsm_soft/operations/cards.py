"""Operations on cards: verification values, chip cryptograms, QR codes, and secrets of new cards."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hsm_soft import card_file, card_issue, emv
from hsm_soft.card_file import CardData, CardIdentity, IssuedCards
from hsm_soft.card_issue import CardToIssue, IssuedPins, IssuedRecharges
from hsm_soft.card_values import card_value
from hsm_soft.emv import CardKeyOption, SessionKey
from hsm_soft.format_preserving import permuted
from hsm_soft.key_block import KeyBlock, KeyUsage
from hsm_soft.key_usage import Action
from hsm_soft.mac import Padding
from hsm_soft.operations.core import Core
from hsm_soft.pan import pan_digits
from hsm_soft.pin_block import PinBlockFormat
from hsm_soft.pin_choice import PinPolicy
from hsm_soft.primitives import compare_digest
from hsm_soft.qr_token import CardCode, PaymentCode
from hsm_soft.sealing import keyed_digest

__all__ = ["CardOperations", "ChipTransaction"]


@dataclass(frozen=True, slots=True)
class ChipTransaction:
    """A chip card's transaction, as its session key depends on it.

    Args:
        pan: the card number.
        sequence_number: field 23 or tag 5F34, two digits.
        transaction_counter: tag 9F36, 2 bytes.
        option: how the issuer derives card keys.
        padding: how the card pads what it signs; method 2 in EMV's own cryptogram.
    """

    pan: str = field(repr=False)
    sequence_number: str
    transaction_counter: bytes
    option: CardKeyOption = CardKeyOption.A
    padding: Padding = Padding.METHOD_2


class CardOperations(Core):
    """What only the issuer of a card can compute."""

    def card_value(self, key: KeyBlock, pan: str, expiry: str, service_code: str) -> str:
        """CVV, CVV2 (service code 000) or iCVV (999) of a card, three digits.

        Raises:
            KeyBlockRefused: `key` may not make card verification values.
            NotAPan: `pan` is not digits.
            BadCardData: an expiry of other than four digits, or a service code of other than three.
        """
        return card_value(self._keys.card_value(key, Action.GENERATE), pan, expiry, service_code)

    def verify_card_value(self, key: KeyBlock, pan: str, expiry: str, service_code: str, value: str) -> bool:
        """Whether `value` is what `card_value` gives.

        Raises:
            KeyBlockRefused: `key` may not verify card verification values.
            NotAPan: `pan` is not digits.
            BadCardData: an expiry of other than four digits, or a service code of other than three.
        """
        expected = card_value(self._keys.card_value(key, Action.VERIFY), pan, expiry, service_code)
        return compare_digest(expected.encode("ascii"), value.encode())

    def verify_arqc(
        self, issuer_master: KeyBlock, transaction: ChipTransaction, data: bytes, cryptogram: bytes
    ) -> bool:
        """Whether a chip card of ours made this cryptogram over this data.

        Raises:
            KeyBlockRefused: `issuer_master` is not a key for application cryptograms.
            NotAPan: the card number is not digits.
            BadChipData: sequence number or counter has the wrong length.
        """
        session = self._chip_session(issuer_master, transaction)
        return emv.verify_arqc(session, data, cryptogram, transaction.padding)

    def arpc_method_1(
        self,
        issuer_master: KeyBlock,
        transaction: ChipTransaction,
        cryptogram: bytes,
        response_code: bytes,
    ) -> bytes:
        """The answer to a verified cryptogram, 8 bytes, that binds a response code of 2 bytes.

        Raises:
            KeyBlockRefused: `issuer_master` is not a key for application cryptograms.
            NotAPan: the card number is not digits.
            BadChipData: something has the wrong length.
        """
        return emv.arpc_method_1(self._chip_session(issuer_master, transaction), cryptogram, response_code)

    def arpc_method_2(
        self,
        issuer_master: KeyBlock,
        transaction: ChipTransaction,
        cryptogram: bytes,
        status_update: bytes,
        proprietary: bytes = b"",
    ) -> bytes:
        """The answer to a verified cryptogram, 4 bytes, that binds a card status update of 4 bytes.

        Raises:
            KeyBlockRefused: `issuer_master` is not a key for application cryptograms.
            NotAPan: the card number is not digits.
            BadChipData: something has the wrong length.
        """
        session = self._chip_session(issuer_master, transaction)
        return emv.arpc_method_2(session, cryptogram, status_update, proprietary)

    def make_card_code(self, key: KeyBlock, wallet_id: int, issue: int) -> str:
        """The QR code for a card: names the wallet to us only, and is worth nothing without its PIN.

        Raises:
            KeyBlockRefused: `key` may not seal card codes.
        """
        return self._keys.card_codes(key, Action.ENCRYPT).make(wallet_id, issue, self._random)

    def open_card_code(self, key: KeyBlock, code: str) -> CardCode:
        """Who a card code names.

        Raises:
            KeyBlockRefused: `key` may not open card codes.
            TokenRefused: not a card code, or not made under this key.
        """
        return self._keys.card_codes(key, Action.DECRYPT).open(code)

    def make_payment_code(
        self, key: KeyBlock, wallet_id: int, asset: int, ceiling_minor: int, now_s: int, lifetime_s: int
    ) -> str:
        """The QR code that a phone shows for one payment.

        Raises:
            KeyBlockRefused: `key` may not seal payment codes.
            TokenRefused: a lifetime above `PAYMENT_CODE_LIFETIME_MAX_S`, or none.
        """
        codes = self._keys.payment_codes(key, Action.ENCRYPT)
        return codes.make(wallet_id, asset, ceiling_minor, now_s, lifetime_s, self._random)

    def open_payment_code(
        self, key: KeyBlock, code: str, asset: int, amount_minor: int, now_s: int
    ) -> PaymentCode:
        """What a payment code allows, if it allows this amount now; who stores its id makes it single use.

        Raises:
            KeyBlockRefused: `key` may not open payment codes.
            TokenRefused: not a payment code, not made under this key, over, for another asset, or for less.
        """
        return self._keys.payment_codes(key, Action.DECRYPT).open(code, asset, amount_minor, now_s)

    def issue_pins(
        self,
        cards: Sequence[CardToIssue],
        policy: PinPolicy,
        file_key: KeyBlock,
        mailer_key: KeyBlock,
        mailer_format: PinBlockFormat,
    ) -> IssuedPins:
        """First PINs of a batch of cards: what to store, a sealed file, and PIN-mailer records.

        Raises:
            KeyBlockRefused: `file_key` may not seal files of secrets, or `mailer_key` not encrypt PIN blocks.
            BadSerial: a serial number of another form.
            NotAPan: a card number that is not digits.
        """
        return card_issue.issue_pins(
            self._pin_reference,
            self._file_key(file_key),
            (mailer_format, self._pin_encryptor(mailer_key, mailer_format)),
            cards,
            policy,
            self._random,
        )

    def issue_cards(
        self, cards: Sequence[CardData], file_key: KeyBlock, stripe_key: KeyBlock | None
    ) -> IssuedCards:
        """Numbers of a batch of cards: what to store of each, and a sealed file to make them from.

        Raises:
            KeyBlockRefused: `file_key` may not seal files of secrets, or `stripe_key` not make card values.
            BadSerial: a serial number of another form.
            NotAPan: a card number that is not digits.
            BadCardData: an expiry that is not four digits or a service code that is not three.
            NoDataKey: no key for card numbers was loaded.
        """
        stripe = None if stripe_key is None else self._keys.card_value(stripe_key, Action.GENERATE)
        file = card_file.cards_file(self._file_key(file_key), stripe, cards, self._random)
        seal = self._data_keys.field_seal(KeyUsage.PAN_ENCRYPTION)
        numbers = [pan_digits(card.pan) for card in cards]
        identities = [
            CardIdentity(keyed_digest(self._pan_index, number), seal.seal(number)) for number in numbers
        ]
        return IssuedCards(tuple(identities), file)

    def scatter(self, tweak: bytes, size: int, positions: Sequence[int]) -> list[int]:
        """Where a permutation of 0 to `size` - 1, one for each tweak, takes some positions."""
        return [permuted(self._scatter, size, tweak, position) for position in positions]

    def issue_recharges(
        self, recharge_key: KeyBlock, file_key: KeyBlock, serials: Sequence[str]
    ) -> IssuedRecharges:
        """Secrets of a batch of recharge cards: the hashes to store, and a sealed file.

        Raises:
            KeyBlockRefused: a key is for another use.
            BadSerial: a serial number of another form.
        """
        authenticate = self._keys.recharge(recharge_key, Action.GENERATE)
        return card_issue.issue_recharges(authenticate, self._file_key(file_key), serials, self._random)

    def recharge_digest(self, recharge_key: KeyBlock, secret: str) -> bytes:
        """16 bytes by which the card of a secret that somebody typed in is found.

        Raises:
            KeyBlockRefused: `recharge_key` is for another use.
            NotARechargeSecret: not as many digits as a secret has.
        """
        return card_issue.recharge_digest(self._keys.recharge(recharge_key, Action.VERIFY), secret)

    def verify_recharge_secret(self, recharge_key: KeyBlock, secret: str, digest: bytes) -> bool:
        """Whether a stored hash is that of a secret; that it is used once is kept where the hash is stored.

        Raises:
            KeyBlockRefused: `recharge_key` is for another use.
            NotARechargeSecret: not as many digits as a secret has.
        """
        return card_issue.recharge_matches(self._keys.recharge(recharge_key, Action.VERIFY), secret, digest)

    def _file_key(self, block: KeyBlock) -> bytes:
        return self._keys.opened(block, KeyUsage.SECRET_FILE, Action.ENCRYPT)[1]

    def _chip_session(self, issuer_master: KeyBlock, transaction: ChipTransaction) -> SessionKey:
        master = self._keys.chip_master(issuer_master)
        card = emv.card_key(master, transaction.pan, transaction.sequence_number, transaction.option)
        return emv.session_key(card, transaction.transaction_counter)
