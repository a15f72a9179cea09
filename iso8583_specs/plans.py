"""The quick codec: plans compiled for the sets of fields that really come, in front of the interpreter.

Peers send few kinds of message, again and again. A plan is straight-line code made from the dialect's table
for one set of fields; `decode_plans` and `encode_plans` write it. It knows the regular case only. Whatever is
not regular (a filler other than the dialect's, a length too long, a value of the wrong type, a byte too few)
makes it give up, and the interpreter does the message from the start: it alone names defects, so what is
accepted, refused and written is the interpreter's.

A set of fields gets a plan once it has come often enough, and there is a limit to plans: a peer that plays
through bitmaps costs a look-up in a small table, and others nothing.
"""

from collections.abc import Callable, Hashable
from itertools import accumulate
from typing import Final, NamedTuple, TypeAlias, TypeVar

from iso8583_specs.decode_plans import decode_plan, peek_plan
from iso8583_specs.encode_plans import EncodePlan, encode_plan
from iso8583_specs.interpreter import Interpreter
from iso8583_specs.layout import Layout
from iso8583_specs.message import Message, Peek
from iso8583_specs.plan_source import GIVES_UP
from iso8583_specs.spec import HEADER, RAW, Spec

PLANS_MAX: Final = 256
SIGHTINGS_MAX: Final = 1024
SIGHTINGS_BEFORE_PLAN: Final = 8

Numbers: TypeAlias = tuple[int, ...] | tuple[tuple[int, ...], tuple[int, ...]]

Key = TypeVar("Key", bound=Hashable)
Plan = TypeVar("Plan")
Result = TypeVar("Result")


class PlannedCodec:
    """The codec of one dialect; see `codec.Codec` for its methods' promises.

    Args:
        dialect: The dialect's name.
        spec: Its table.
        strict: Whether values that aren't of their field's content are refused.
        inside: Whether this is the table of a message inside a field.
        sightings: How often a set of fields must have come before it gets a plan.
    """

    __slots__ = ("decode", "decode_readable", "dialect", "encode", "peek")

    def __init__(
        self,
        dialect: str,
        spec: Spec,
        *,
        strict: bool = False,
        inside: bool = False,
        sightings: int = SIGHTINGS_BEFORE_PLAN,
    ) -> None:
        self.dialect = dialect
        self.decode: Callable[[bytes], Message]
        self.encode: Callable[[Message], bytes]
        interpreter = Interpreter(dialect, spec, strict=strict, inside=inside)
        layout = Layout.of(spec, inside=inside)
        insides = {
            number: PlannedCodec(dialect, row["fields"], strict=strict, inside=True, sightings=sightings)
            for number, row in ((number, spec[str(number)]) for number in layout.numbers)
            if "fields" in row
        }
        readers = {number: codec.decode for number, codec in insides.items()}
        writers = {number: codec.encode for number, codec in insides.items()}
        self.decode_readable = interpreter.decode_readable
        self.decode = _reader(
            _Plans[bytes, Callable[[bytes, bytes], Message | None]](
                lambda bitmaps: decode_plan(spec, layout, bitmaps, readers, strict=strict), sightings
            ),
            _Bitmaps.of(spec, layout),
            interpreter.decode,
        )
        self.peek = _reader(
            _Plans[bytes, Callable[[bytes, bytes], Peek | None]](
                lambda bitmaps: peek_plan(spec, layout, bitmaps), sightings
            ),
            _Bitmaps.of(spec, layout),
            interpreter.peek,
        )
        self.encode = _writer(
            _Plans[Numbers, EncodePlan](
                lambda numbers: encode_plan(spec, layout, *_split(numbers), writers, strict=strict), sightings
            ),
            interpreter.encode,
        )


class _Bitmaps(NamedTuple):
    """Where the bitmaps stand, and the bytes in which a bitmap that announces a further one begins."""

    at: int
    ends: tuple[int, int, int]
    announcing: tuple[frozenset[int], frozenset[int]]

    @classmethod
    def of(cls, spec: Spec, layout: Layout) -> "_Bitmaps | None":
        """None if a header of variable length stands before them."""
        header = spec[HEADER] if layout.has_header else None
        if header is not None and (header["len_type"] or header["len_count"] == "nibbles"):
            return None
        at = layout.mti_bytes + (header["max_len"] if header else 0)
        count = len(layout.bitmaps)
        ends = list(accumulate((layout.width(index) for index in range(count)), initial=at))[1:]
        announcing = [_high_bytes(encoding) for encoding in layout.bitmaps[: count - 1]]
        ends += [ends[-1]] * (3 - count)
        announcing += [frozenset()] * (3 - count)
        return cls(at, (ends[0], ends[1], ends[2]), (announcing[0], announcing[1]))


def _high_bytes(encoding: str) -> frozenset[int]:
    """The first bytes of a bitmap whose first bit is set."""
    return frozenset(range(128, 256) if encoding == RAW else "89ABCDEF".encode(encoding))


def _reader(
    plans: "_Plans[bytes, Callable[[bytes, bytes], Result | None]]",
    places: _Bitmaps | None,
    slowly: Callable[[bytes], Result],
) -> Callable[[bytes], Result]:
    """What reads a body by the plan for its bitmaps, or slowly."""
    if places is None:
        return slowly
    at, (end, second_end, third_end), (announcing, announcing_third) = places
    second = end - at

    def read(body: bytes) -> Result:
        try:
            bitmaps = body[at:end]
            if announcing and bitmaps[0] in announcing:
                bitmaps = body[at:second_end]
                if bitmaps[second] in announcing_third:
                    bitmaps = body[at:third_end]
            plan = plans[bitmaps]
            if plan is not None:
                result = plan(body, bitmaps)
                if result is not None:
                    return result
        except GIVES_UP:
            pass
        return slowly(body)

    return read


def _writer(
    plans: "_Plans[Numbers, EncodePlan]", slowly: Callable[[Message], bytes]
) -> Callable[[Message], bytes]:
    """What writes a message by the plan for its fields, or slowly."""

    def write(message: Message) -> bytes:
        if not message.fillers and message.spelling is None:
            fields, parts = message.fields, message.parts
            try:
                plan = plans[(tuple(fields), tuple(parts)) if parts else tuple(fields)]
                if plan is not None:
                    body = plan(message.mti, fields, parts, message.header)
                    if body is not None:
                        return body
            except GIVES_UP:
                pass
        return slowly(message)

    return write


def _split(numbers: Numbers) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers of fields and of parts in the key of a plan."""
    match numbers:
        case (tuple() as fields, tuple() as parts):
            return fields, parts
        case _:
            return tuple(number for number in numbers if isinstance(number, int)), ()


class _Plans(dict[Key, Plan | None]):
    """Plans by key, made for keys that come often; bounded, as are the sightings."""

    __slots__ = ("_make", "_sightings", "_threshold")

    def __init__(self, make: Callable[[Key], Plan | None], threshold: int) -> None:
        super().__init__()
        self._make = make
        self._threshold = threshold
        self._sightings: dict[Key, int] = {}

    def __missing__(self, key: Key) -> Plan | None:
        if len(self) >= PLANS_MAX:
            return None
        if len(self._sightings) >= SIGHTINGS_MAX:
            self._sightings.clear()
        count = self._sightings[key] = self._sightings.get(key, 0) + 1
        if count < self._threshold:
            return None
        del self._sightings[key]
        plan = self[key] = self._make(key)
        return plan
