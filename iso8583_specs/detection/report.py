"""What the wire doctor says: candidates as JSON and for people, and the settings to paste.

The settings are a listener's, and where fields differ from the dialect a dialect file that says how.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from iso8583_specs.detection.diagnosis import Candidate
from iso8583_specs.dialects import DIALECTS

OWN_PROFILE: Final = "captured"
"""What the dialect file is called, and so the profile."""

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
            "dialect_file": "\n".join(dialect_file(candidate)) or None,
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
        yield "less likely"
    for other in candidates[1:]:
        yield f"  {other.score:5.1f}  {other.dialect} over {other.framing.name}: {other.reasons[0]}"
    yield "settings to paste"
    yield from _indented(settings(best))
    if best.changes:
        yield f"and the dialect file {OWN_PROFILE}.toml"
        yield from _indented(dialect_file(best))


def settings(candidate: Candidate) -> Iterator[str]:
    """The candidate as a listener's settings in TOML."""
    framing, profile = candidate.framing, f".{OWN_PROFILE}" if candidate.changes else ""
    if not framing.length_bytes:
        yield f"# framing {framing.name} has no length: put the line's own prefix before it"
    if candidate.header_bytes:
        yield f"# before each message stand {candidate.header_bytes} bytes more"
    if candidate.changes:
        yield "[dialects]"
        yield f'files = ["{OWN_PROFILE}.toml"]'
        yield ""
    yield "[listeners.pos]"
    yield f'dialect = "{candidate.dialect}{profile}"'
    yield f'framing = "{framing.name}"'


def dialect_file(candidate: Candidate) -> Iterator[str]:
    """The dialect file of a candidate whose fields are written otherwise than any dialect says."""
    if candidate.changes:
        yield f'extends = "{candidate.dialect}"'
    for change in candidate.changes:
        yield ""
        if change.words:
            yield f"# {change.words}"
        yield f"[fields.{change.field}]"
        yield from _differences(DIALECTS[candidate.dialect].get(change.field, {}), change.row)


def _differences(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    for key in _KEYS:
        value = after.get(key)
        if value is not None and value != before.get(key):
            yield f"{key} = {value}" if isinstance(value, int) else f'{key} = "{value}"'


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}".rstrip() for line in lines)
