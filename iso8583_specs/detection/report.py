"""What the wire doctor says: candidates as JSON and for people, and the settings to paste.

The settings are a listener's, and where fields differ from the dialect a dialect file that says how.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from iso8583_specs.detection.diagnosis import Candidate
from iso8583_specs.dialects import DIALECTS
from iso8583_specs.spec import FieldSpec

_KEYS: Final = ("content", "data_enc", "len_type", "len_enc", "len_count", "max_len", "left_pad", "right_pad")


def candidates_as_json(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """The candidates, the best first, ready for a JSON encoder."""
    return [
        {
            "dialect": candidate.dialect,
            "framing": candidate.framing.name,
            "score": candidate.score,
            "reasons": list(candidate.reasons),
            "settings": "\n".join(settings(candidate)),
        }
        for candidate in candidates
    ]


def told(candidates: Sequence[Candidate]) -> Iterator[str]:
    """The candidates for people: the best with its reasons and settings, the others in a line each."""
    best = candidates[0]
    yield f"dialect  {best.dialect}"
    yield f"framing  {best.framing.name}"
    yield f"score    {best.score:.1f}"
    yield from (f"  - {reason}" for reason in best.reasons)
    if len(candidates) > 1:
        yield ""
        yield "less likely"
    for other in candidates[1:]:
        yield f"  {other.score:5.1f}  {other.dialect} over {other.framing.name}: {other.reasons[0]}"
    yield ""
    yield "settings to paste"
    yield from (f"  {line}".rstrip() for line in settings(best))


def settings(candidate: Candidate) -> Iterator[str]:
    """The candidate as settings in TOML."""
    framing = candidate.framing.name
    if not candidate.framing.length_bytes:
        yield f"# framing {framing} keeps no boundaries in a stream; the line's own prefix goes before it"
    yield "[listeners.pos]"
    yield f'dialect = "{candidate.dialect}"'
    yield f'framing = "{framing}"'
    if candidate.header_bytes:
        yield f"# {candidate.header_bytes} more bytes stand before each message"
    if candidate.changes:
        yield ""
        yield "# and a dialect file of your own"
        yield f'extends = "{candidate.dialect}"'
    for change in candidate.changes:
        yield ""
        if change.words:
            yield f"# {change.words}"
        yield f"[fields.{change.field}]"
        yield from _differences(DIALECTS.get(candidate.dialect, {}).get(change.field), change.row)


def _differences(before: FieldSpec | None, after: FieldSpec) -> Iterator[str]:
    old: Mapping[str, object] = before or {}
    new: Mapping[str, object] = after
    for key in _KEYS:
        value = new.get(key)
        if value is not None and value != old.get(key):
            yield f"{key} = {value}" if isinstance(value, int) else f'{key} = "{value}"'
