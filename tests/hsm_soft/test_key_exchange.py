"""Keys that come and go: what each form demands, cell by cell, and that nothing else gets through."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.check_values import check_value
from hsm_soft.key_block import (
    KeyBlock,
    KeyBlockHeader,
    KeyBlockProtection,
    KeyBlockRefused,
    KeyUsage,
    Refusal,
)
from hsm_soft.key_block_versions import KeyBlockCipher, open_key_block
from hsm_soft.key_exchange import (
    Cryptogram,
    Form,
    WrappingKey,
    export_block,
    export_cryptogram,
    import_block,
    import_cryptogram,
)
from hsm_soft.key_usage import MODES, Algorithm, Exportability
from hsm_soft.new_keys import new_key
from hsm_soft.primitives import Random, des_encryptor, sm4_encryptor

_KEY = bytes.fromhex("F039121BEC83D26B169BDCD5B22AAF8F")

Wrapping = Callable[..., tuple[WrappingKey, bytes]]


@pytest.fixture
def wrapping(protection: KeyBlockProtection, random: Random) -> Wrapping:
    """Makes a wrapping key; it and its clear bytes."""

    def make(
        algorithm: Algorithm = Algorithm.TDES,
        length: int = 16,
        usage: KeyUsage = KeyUsage.ZONE_MASTER,
        mode: str = "B",
    ) -> tuple[WrappingKey, bytes]:
        key = new_key(algorithm, length, random)
        block = protection.wrap(usage, key, random, algorithm=algorithm, mode=mode)
        return WrappingKey(block, usage), key

    return make


def _partner_block(
    above: bytes, version: str, key: bytes = _KEY, fields: str = "P0TE", optional: Any = (), **changed: str
) -> KeyBlock:
    header = KeyBlockHeader(version, fields[:2], fields[2], fields[3], "00", "E", optional, 0)
    return KeyBlockCipher(version, above).seal(header._replace(**changed), key, 24, bytes)


@pytest.mark.vectors(*(f"tr31-{name}" for name in ("psec", "test", "payshield")))
def test_published_blocks_are_imported_or_refused_for_what_they_are(
    vector: dict[str, Any], protection: KeyBlockProtection, random: Random
) -> None:
    """Under a zone master key each comes in for its own usage unless its key or mode is none for it."""
    above, block = bytes.fromhex(vector["inputs"]["kbpk"]), vector["inputs"]["key_block"]
    algorithm = Algorithm.AES if block[0] in "DE" else Algorithm.TDES
    stored = protection.wrap(KeyUsage.ZONE_MASTER, above, random, algorithm=algorithm)
    header, key = open_key_block(above, block)
    usages = [usage for usage in KeyUsage if usage.code == header.usage]

    imported = []
    for usage in usages:
        try:
            ours = import_block(
                protection, WrappingKey(stored, KeyUsage.ZONE_MASTER), block, usage, random, variants=True
            )
        except KeyBlockRefused as refused:
            imported.append(refused.reason)
        else:
            opened = protection.open(ours)
            assert opened[1] == key
            assert opened[0].exportability == header.exportability
            assert opened[0].mode == header.mode
            imported.append(None)

    assert set(imported) <= {None, Refusal.ALGORITHM, Refusal.MODE}


@pytest.mark.parametrize(
    ("algorithm", "length", "version"),
    [(Algorithm.TDES, 16, version) for version in "ABC"]
    + [
        (Algorithm.TDES, 24, "B"),
        (Algorithm.AES, 16, "D"),
        (Algorithm.AES, 32, "D"),
        (Algorithm.AES, 24, "E"),
    ],
)
@pytest.mark.parametrize("usage", [KeyUsage.ZONE_MASTER, KeyUsage.KEY_BLOCK_PROTECTION])
def test_a_key_goes_out_and_comes_back(
    protection: KeyBlockProtection,
    random: Random,
    wrapping: Wrapping,
    algorithm: Algorithm,
    length: int,
    version: str,
    usage: KeyUsage,
) -> None:
    """In every version, under either kind of key, with its check value and what travels with it."""
    above, clear = wrapping(algorithm, length, usage)
    serial = (("KS", "00604B120F9292800000"),)
    stored = protection.wrap(
        KeyUsage.BASE_DERIVATION, _KEY, random, exportability=Exportability.TRUSTED, optional=serial
    )

    outside = export_block(protection, above, stored, KeyUsage.BASE_DERIVATION, random, version=version)
    inside = import_block(protection, above, outside, KeyUsage.BASE_DERIVATION, random, variants=True)
    header, key = open_key_block(clear, outside)

    assert (header.version, key) == (version, _KEY)
    assert header.optional_data("KC") == "00CB9DEA"
    assert protection.unwrap(inside, KeyUsage.BASE_DERIVATION) == _KEY
    assert protection.open(inside)[0].optional_data("KS") == serial[0][1]
    assert protection.open(inside)[0].exportability == "E"


@pytest.mark.parametrize(("algorithm", "version"), [(Algorithm.TDES, "B"), (Algorithm.AES, "D")])
def test_the_best_version_is_the_default(
    protection: KeyBlockProtection, random: Random, wrapping: Wrapping, algorithm: Algorithm, version: str
) -> None:
    """B under triple DES, D under AES."""
    stored = protection.wrap(KeyUsage.PIN_ENCRYPTION, _KEY, random, exportability=Exportability.SENSITIVE)

    assert (
        version
        == export_block(protection, wrapping(algorithm)[0], stored, KeyUsage.PIN_ENCRYPTION, random)[0]
    )


@pytest.mark.parametrize("version", "AC")
def test_weak_versions_are_taken_only_when_allowed(
    protection: KeyBlockProtection, random: Random, wrapping: Wrapping, version: str
) -> None:
    """A and C are for partners who have nothing better."""
    above, clear = wrapping()
    block = _partner_block(clear, version)

    with pytest.raises(KeyBlockRefused) as refused:
        import_block(protection, above, block, KeyUsage.PIN_ENCRYPTION, random)

    assert Refusal.VERSION is refused.value.reason
    assert import_block(protection, above, block, KeyUsage.PIN_ENCRYPTION, random, variants=True)[0] == "D"


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"fields": "M3TC"}, Refusal.USAGE),
        ({"fields": "P0AE", "key": _KEY + _KEY[:8]}, Refusal.STRENGTH),
        ({"fields": "P0HE"}, Refusal.ALGORITHM),
        ({"fields": "P0RE"}, Refusal.ALGORITHM),
        ({"fields": "P0TE", "key": _KEY[:12]}, Refusal.ALGORITHM),
        ({"fields": "P0TV"}, Refusal.MODE),
        ({"fields": "P0TY"}, Refusal.MODE),
        ({"key": _KEY + bytes.fromhex("0123456789ABCDEF")}, Refusal.STRENGTH),
        ({"key": _KEY[:8] * 2}, Refusal.WEAK),
        ({"key_version": "c1"}, Refusal.COMPONENT),
        ({"optional": (("KC", "00CB9DEB"),)}, Refusal.CHECK_VALUE),
        ({"optional": (("KP", "00CB9DEA"),)}, Refusal.CHECK_VALUE),
    ],
)
def test_each_field_of_a_partners_block_is_enforced(
    protection: KeyBlockProtection,
    random: Random,
    wrapping: Wrapping,
    block: dict[str, Any],
    expected: Refusal,
) -> None:
    """An authentic block that says the wrong thing is refused with the reason."""
    above, clear = wrapping()

    with pytest.raises(KeyBlockRefused) as refused:
        import_block(protection, above, _partner_block(clear, "B", **block), KeyUsage.PIN_ENCRYPTION, random)

    assert expected is refused.value.reason


@pytest.mark.parametrize(
    ("optional", "accepted"), [((), True), ((("HM", "21"),), True), ((("HM", "10"),), False)]
)
def test_an_hmac_key_is_for_sha_256(
    protection: KeyBlockProtection, random: Random, wrapping: Wrapping, optional: Any, accepted: bool
) -> None:
    """A block that names another hash is refused; one that names none is taken."""
    above, clear = wrapping(Algorithm.AES, 32)
    block = _partner_block(clear, "D", random(32), "M7HC", optional)

    if accepted:
        assert import_block(protection, above, block, KeyUsage.HMAC, random)
    else:
        with pytest.raises(KeyBlockRefused) as refused:
            import_block(protection, above, block, KeyUsage.HMAC, random)
        assert Refusal.PURPOSE is refused.value.reason


def test_a_cryptogram_comes_in_with_its_check_value(
    protection: KeyBlockProtection, random: Random, wrapping: Wrapping
) -> None:
    """A key under a zone or terminal master key is stored, not exportable, with the mode asked for."""
    for usage in Form.CRYPTOGRAM.value:
        above, clear = wrapping(usage=usage)
        cryptogram = Cryptogram(des_encryptor(clear)(_KEY), check_value(Algorithm.TDES, _KEY))
        stored = import_cryptogram(protection, above, cryptogram, KeyUsage.PIN_ENCRYPTION, random, mode="E")
        header, key = protection.open(stored)

        assert (header.mode, header.exportability, key) == ("E", "N", _KEY)


def test_sm4_carries_sm4(protection: KeyBlockProtection, random: Random, wrapping: Wrapping) -> None:
    """An SM4 key comes in and goes out under an SM4 master key, and is no key of triple DES."""
    above, clear = wrapping(Algorithm.SM4, 16, KeyUsage.TERMINAL_MASTER)
    cryptogram = Cryptogram(sm4_encryptor(clear)(_KEY), check_value(Algorithm.SM4, _KEY))
    stored = import_cryptogram(protection, above, cryptogram, KeyUsage.POS_MAC, random)
    sensitive = protection.wrap(
        KeyUsage.POS_MAC, _KEY, random, algorithm=Algorithm.SM4, exportability=Exportability.SENSITIVE
    )

    assert protection.open(stored)[0].algorithm == "4"
    assert cryptogram == export_cryptogram(protection, above, sensitive, KeyUsage.POS_MAC)
    with pytest.raises(KeyBlockRefused) as refused:
        export_cryptogram(protection, wrapping()[0], sensitive, KeyUsage.POS_MAC)
    assert Refusal.ALGORITHM is refused.value.reason


@pytest.mark.parametrize(
    ("key", "said", "expected"),
    [
        (_KEY, b"", Refusal.CHECK_VALUE),
        (_KEY, b"\xcb\x9d\xeb", Refusal.CHECK_VALUE),
        (_KEY[:8] * 2, b"\0\0\0", Refusal.CHECK_VALUE),
        (_KEY[:8] * 2, check_value(Algorithm.TDES, _KEY[:8]), Refusal.WEAK),
        (_KEY + b"\x01#Eg\x89\xab\xcd\xef", b"\0\0\0", Refusal.STRENGTH),
        (_KEY[:8] + bytes(24), b"\0\0\0", Refusal.LENGTH),
        (b"", b"\0\0\0", Refusal.LENGTH),
    ],
)
def test_a_cryptogram_that_does_not_fit_is_refused(
    protection: KeyBlockProtection,
    random: Random,
    wrapping: Wrapping,
    key: bytes,
    said: bytes,
    expected: Refusal,
) -> None:
    """No check value, another one, a weak key, one stronger than the key above it, no key at all."""
    above, clear = wrapping()

    with pytest.raises(KeyBlockRefused) as refused:
        import_cryptogram(
            protection, above, Cryptogram(des_encryptor(clear)(key), said), KeyUsage.PIN_ENCRYPTION, random
        )

    assert expected is refused.value.reason


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("usage", KeyUsage)
def test_only_wrapping_keys_wrap(
    protection: KeyBlockProtection, random: Random, usage: KeyUsage, form: Form
) -> None:
    """Each usage × form: only the form's row goes on top of another key."""
    algorithm, lengths = next(iter(usage.algorithms.items()))
    above = WrappingKey(protection.wrap(usage, new_key(algorithm, lengths[0], random), random), usage)
    stored = protection.wrap(
        KeyUsage.POS_MAC, new_key(Algorithm.DES, 8, random), random, exportability=Exportability.SENSITIVE
    )

    with_form = export_block if form is Form.BLOCK else export_cryptogram
    try:
        if form is Form.BLOCK:
            export_block(protection, above, stored, KeyUsage.POS_MAC, random)
        else:
            export_cryptogram(protection, above, stored, KeyUsage.POS_MAC)
    except KeyBlockRefused as refused:
        reason = refused.reason
        assert usage not in form.value, with_form
    else:
        reason = None
        assert usage in form.value

    assert reason in {None, Refusal.USAGE}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("usage", [KeyUsage.ZONE_MASTER, KeyUsage.KEY_BLOCK_PROTECTION])
def test_a_wrapping_keys_mode_is_enforced(
    protection: KeyBlockProtection, random: Random, wrapping: Wrapping, usage: KeyUsage, mode: str
) -> None:
    """Export needs to encrypt, import to decrypt; a mode without it is refused."""
    if not usage.allowed(mode):
        return
    above, clear = wrapping(usage=usage, mode=mode)
    stored = protection.wrap(KeyUsage.PIN_ENCRYPTION, _KEY, random, exportability=Exportability.TRUSTED)
    calls = {
        "E": lambda: export_block(protection, above, stored, KeyUsage.PIN_ENCRYPTION, random),
        "D": lambda: import_block(
            protection, above, _partner_block(clear, "B"), KeyUsage.PIN_ENCRYPTION, random
        ),
    }

    for needed, call in calls.items():
        if MODES[needed] <= usage.allowed(mode):
            assert call()
        else:
            with pytest.raises(KeyBlockRefused) as refused:
                call()
            assert Refusal.MODE is refused.value.reason


@pytest.mark.parametrize(
    ("exportability", "as_block", "as_cryptogram"),
    [
        (Exportability.NONE, False, False),
        (Exportability.TRUSTED, True, False),
        (Exportability.SENSITIVE, True, True),
    ],
)
def test_exportability_is_enforced(
    protection: KeyBlockProtection,
    random: Random,
    wrapping: Wrapping,
    exportability: Exportability,
    as_block: bool,
    as_cryptogram: bool,
) -> None:
    """N never leaves, E leaves in a key block only, S in either form."""
    above, _ = wrapping()
    stored = protection.wrap(KeyUsage.PIN_ENCRYPTION, _KEY, random, exportability=exportability)
    exports = {
        lambda: export_block(protection, above, stored, KeyUsage.PIN_ENCRYPTION, random): as_block,
        lambda: export_cryptogram(protection, above, stored, KeyUsage.PIN_ENCRYPTION): as_cryptogram,
    }

    for export, allowed in exports.items():
        if allowed:
            assert export()
        else:
            with pytest.raises(KeyBlockRefused) as refused:
                export()
            assert Refusal.EXPORT is refused.value.reason


def test_a_key_does_not_leave_under_a_weaker_one(
    protection: KeyBlockProtection, random: Random, wrapping: Wrapping
) -> None:
    """No AES key under triple DES, no triple length under double length, in either form."""
    above, _ = wrapping()
    sensitive = Exportability.SENSITIVE
    triple = protection.wrap(
        KeyUsage.PIN_ENCRYPTION, new_key(Algorithm.TDES, 24, random), random, exportability=sensitive
    )
    aes = protection.wrap(KeyUsage.CMAC, random(16), random, algorithm=Algorithm.AES, exportability=sensitive)

    for call in (
        lambda: export_block(protection, above, triple, KeyUsage.PIN_ENCRYPTION, random),
        lambda: export_cryptogram(protection, above, triple, KeyUsage.PIN_ENCRYPTION),
        lambda: export_block(protection, above, aes, KeyUsage.CMAC, random),
    ):
        with pytest.raises(KeyBlockRefused) as refused:
            call()
        assert Refusal.STRENGTH is refused.value.reason


def test_versions_fit_the_key_above(
    protection: KeyBlockProtection, random: Random, wrapping: Wrapping
) -> None:
    """No version D under triple DES, none at all under SM4, and no SM4 key in any block for a partner."""
    stored = protection.wrap(KeyUsage.PIN_ENCRYPTION, _KEY, random, exportability=Exportability.TRUSTED)
    sm4 = protection.wrap(
        KeyUsage.PIN_ENCRYPTION, _KEY, random, algorithm=Algorithm.SM4, exportability=Exportability.TRUSTED
    )
    attempts = [
        (wrapping()[0], stored, "D", Refusal.VERSION),
        (wrapping(Algorithm.SM4)[0], stored, "", Refusal.ALGORITHM),
        (wrapping(Algorithm.AES, 16)[0], sm4, "", Refusal.ALGORITHM),
    ]

    for above, block, version, expected in attempts:
        with pytest.raises(KeyBlockRefused) as refused:
            export_block(protection, above, block, KeyUsage.PIN_ENCRYPTION, random, version=version)
        assert expected is refused.value.reason


def test_an_hmac_key_leaves_with_its_hash(
    protection: KeyBlockProtection, random: Random, wrapping: Wrapping
) -> None:
    """Our label stays, the hash algorithm goes along; there is no check value that a partner would know."""
    above, clear = wrapping(Algorithm.AES, 32)
    stored = protection.wrap(KeyUsage.HMAC, random(32), random, exportability=Exportability.TRUSTED)

    block = export_block(protection, above, stored, KeyUsage.HMAC, random)

    assert [each for each in open_key_block(clear, block)[0].optional if each[0] != "PB"] == [("HM", "21")]


@given(block=st.text(), key=st.binary(max_size=40))
def test_nonsense_ends_in_the_typed_error(block: str, key: bytes) -> None:
    """Whatever a partner sends is stored as a key or refused with a reason."""
    protection = KeyBlockProtection(bytes(range(32)))
    stored = protection.wrap(KeyUsage.ZONE_MASTER, _KEY, bytes)
    above = WrappingKey(stored, KeyUsage.ZONE_MASTER)

    with pytest.raises(KeyBlockRefused):
        import_block(protection, above, block, KeyUsage.PIN_ENCRYPTION, bytes)
    with pytest.raises(KeyBlockRefused):
        import_cryptogram(protection, above, Cryptogram(key, b""), KeyUsage.PIN_ENCRYPTION, bytes)


@pytest.mark.parametrize(("digits", "comes_in"), [("0123456789012345", True), ("0123456789ABCDEF", False)])
def test_a_decimalisation_table_that_travels_is_checked(
    protection: KeyBlockProtection, random: Random, wrapping: Wrapping, digits: str, comes_in: bool
) -> None:
    """In a block or bare: what holds other than decimal digits is no table."""
    table, usage = bytes.fromhex(digits), KeyUsage.DECIMALISATION_TABLE
    above, clear = wrapping()
    block = _partner_block(clear, "B", table, "10DC")
    bare = Cryptogram(des_encryptor(clear)(table), check_value(Algorithm.DES, table))

    for take in (
        lambda: import_block(protection, above, block, usage, random),
        lambda: import_cryptogram(protection, above, bare, usage, random),
    ):
        if comes_in:
            assert table == protection.unwrap(take(), usage)
        else:
            with pytest.raises(KeyBlockRefused) as refused:
                take()
            assert Refusal.TABLE is refused.value.reason
