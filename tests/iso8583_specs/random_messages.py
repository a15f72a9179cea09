"""Messages made at random from a dialect's own table, and damage done to them.

The source of chance is an argument: Hypothesis gives one that it can shrink, a long run a quick one.
"""

from random import Random

from iso8583_specs.message import Message
from iso8583_specs.spec import RAW, FieldSpec, Spec

_DIGITS = "0123456789"
_HEX_DIGITS = "0123456789ABCDEF"
_ALPHABETS = {"n": _DIGITS, "z": _DIGITS + "=", "x": _HEX_DIGITS}
_LONGEST = 45
_MOST_FIELDS = 20


def random_message(random: Random, spec: Spec, *, fillers: bool = False, inside: bool = False) -> Message:
    """A message that the dialect can say, with unusual fillers if asked for."""
    message = Message("" if inside else _text(random, _DIGITS, 4))
    if "h" in spec and spec["h"]["max_len"]:
        message.header = random_value(random, spec["h"])
    known = [int(key) for key in spec if key.isdecimal() and (inside or key != "1")]
    for number in random.sample(known, random.randint(0, min(len(known), _MOST_FIELDS))):
        row = spec[str(number)]
        if "fields" in row and random.random() < 0.8:
            message.parts[number] = random_message(random, row["fields"], fillers=fillers, inside=True)
            continue
        value = message.fields[number] = random_value(random, row)
        if fillers and row["len_count"] == "nibbles" and len(value) % 2:
            filler = random.choice(_HEX_DIGITS)
            if filler != "0":
                message.fillers[number] = filler
    return message


def random_value(random: Random, row: FieldSpec) -> str | bytes:
    """A value of the field's content and length."""
    most = row["max_len"]
    size = random.randint(0, min(most, _LONGEST)) if row["len_type"] else most
    if row["content"] == "xn":
        digits = size - 1 if row["data_enc"] != RAW else 2 * (size - 1)
        return random.choice("CD") + _text(random, _DIGITS, digits)
    if row["data_enc"] == RAW:
        alphabet = _ALPHABETS.get(row["content"])
        return _text(random, alphabet, size) if alphabet else random.randbytes(size)
    if row["content"] == "b":
        return _text(random, _HEX_DIGITS, size)
    return random_text(random, row["data_enc"], size, _ALPHABETS.get(row["content"]))


def random_text(random: Random, encoding: str, size: int, alphabet: str | None = None) -> str:
    """So many characters of an alphabet, else of a single-byte encoding."""
    if alphabet:
        return _text(random, alphabet, size)
    return random.randbytes(size).decode(encoding)


def _text(random: Random, alphabet: str, size: int) -> str:
    return "".join(random.choice(alphabet) for _ in range(size))


def damaged(random: Random, body: bytes) -> bytes:
    """The body with a few bytes replaced, lost or too many; at times as it was."""
    for _ in range(random.choice((0, 1, 1, 1, 2))):
        at = random.randint(0, len(body))
        new = random.choice((b"", random.randbytes(1), b"0", b" ", b"+", b"_", b"\x00", b"F", b"a"))
        body = body[:at] + new + body[at + random.choice((0, 1, 1, 1, 2)) :]
    return body
