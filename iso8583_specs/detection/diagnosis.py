"""The wire doctor's judgement: captures in, candidates out, the best first, each with its reasons.

Every framing that fits a capture leaves bodies, every dialect reads them, and each pair of both is a
candidate. What speaks for and against it is counted in bits and summed over all captures, since they come
from one line. Of a dialect and its profiles the dialect is preferred where it explains as much. If none reads
the bytes to their end, the likeliest tables are varied until one does, and what had to be changed is told.

The score is 100 for a candidate without a contradiction, less for each doubt, and halves with every few bits
that a better candidate has more.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, NamedTuple

from iso8583_specs.defects import Defect
from iso8583_specs.detection.envelopes import Envelope, envelopes, fitted, with_strange_headers
from iso8583_specs.detection.plausibility import Evidence, is_plausible_mti, message_evidence
from iso8583_specs.detection.reading import Reading, mti_at, read
from iso8583_specs.detection.variations import Change, difference, heads, repaired
from iso8583_specs.dialects import DIALECTS
from iso8583_specs.family import Family, family_of
from iso8583_specs.framing import Framing
from iso8583_specs.spec import BCD_LENGTH, MTI, PRIMARY, RAW, Spec

CAPTURE_BYTES_MAX: Final = 16 * 1024
"""More of one capture is not looked at."""
CAPTURES_MAX: Final = 8
"""More captures are not looked at."""

_ALTERNATIVES_MAX: Final = 8
_KEPT_FOR_OTHER_CAPTURES: Final = 6
_REPAIRED: Final = 4
_SHOWN: Final = 10
_HALVING_BITS: Final = 8.0
_LEAST_SCORE: Final = 0.1
_REASONS_MAX: Final = 14
_WHOLE_BITS: Final = 12.0
_BROKEN: Final = -24.0
_CHANGE: Final = -10.0
_TPDU_OF_A_POS: Final = 8.0
_ENCODINGS: Final = {RAW: "BCD", "cp500": "EBCDIC", "cp037": "EBCDIC", "cp1047": "EBCDIC"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A framing and a dialect that captured bytes may be written in.

    Attributes:
        dialect: The dialect's name.
        framing: The framing's row.
        score: 0 to 100.
        reasons: What speaks for it, and what against, in words without data of the message.
        is_whole: Whether it reads every byte.
        changes: How fields are written otherwise than the dialect says.
        header_bytes: Width of a header that no framing knows; 0 without one.
    """

    dialect: str
    framing: Framing
    score: float
    reasons: tuple[str, ...]
    is_whole: bool
    changes: tuple[Change, ...] = ()
    header_bytes: int = 0


class _Trial(NamedTuple):
    """A candidate in the making."""

    dialect: str
    spec: Spec
    envelope: Envelope
    readings: tuple[Reading, ...]
    evidence: tuple[Evidence, ...]
    changes: tuple[Change, ...] = ()

    @property
    def bits(self) -> float:
        return sum(each.bits for each in self.evidence)

    @property
    def doubts(self) -> float:
        return -sum(each.bits for each in self.evidence if each.bits < 0)

    @property
    def reads_all(self) -> bool:
        return all(reading.broken is None for reading in self.readings)

    @property
    def is_whole(self) -> bool:
        return self.envelope.is_exact and self.reads_all

    @property
    def name(self) -> tuple[str, str]:
        return self.dialect, self.envelope.framing.name


def diagnose(captures: Sequence[bytes], dialects: Mapping[str, Spec] = DIALECTS) -> list[Candidate]:
    """The candidates for captures of one line, each of which is one frame or several behind each other.

    Args:
        captures: The bytes; what is beyond the limits of this module is left out.
        dialects: The tables to try.
    """
    chunks = [capture[:CAPTURE_BYTES_MAX] for capture in captures[:CAPTURES_MAX] if capture]
    if not chunks:
        return []
    trials = sorted(_trials(chunks[0], dialects), key=_likelihood)[:_KEPT_FOR_OTHER_CAPTURES]
    for chunk in chunks[1:]:
        trials = [_with_another(trial, chunk) for trial in trials]
    return _ranked(_dialects_first(trials))


def _likelihood(trial: _Trial) -> tuple[bool, float]:
    return not trial.is_whole, -trial.bits


def _trials(raw: bytes, dialects: Mapping[str, Spec]) -> list[_Trial]:
    trials = list(_read_by_all(envelopes(raw), dialects))
    whole = max((trial.bits for trial in trials if trial.is_whole), default=-math.inf)
    repairs = list(_repairs(trials, whole))
    trials += repairs
    if whole == -math.inf and not repairs:
        trials += _with_other_heads(raw, dialects)
        trials += _read_by_all(with_strange_headers(raw), dialects, only_whole=True)
    return trials


def _repairs(trials: list[_Trial], whole_bits: float) -> Iterator[_Trial]:
    """What becomes of trials that break, where without the break they would be likelier than any other."""
    broken = [trial for trial in trials if not trial.reads_all and trial.bits - _BROKEN > whole_bits]
    for trial in sorted(broken, key=lambda trial: -trial.bits)[:_REPAIRED]:
        repaired_trial = _repaired(trial)
        if repaired_trial is not None:
            yield repaired_trial


def _read_by_all(
    laid: Iterable[Envelope], dialects: Mapping[str, Spec], *, only_whole: bool = False
) -> Iterator[_Trial]:
    for envelope in laid:
        for dialect, spec in dialects.items():
            trial = _trial(dialect, spec, envelope, only_whole=only_whole)
            if trial is not None:
                yield trial


def _trial(
    dialect: str,
    spec: Spec,
    envelope: Envelope,
    changes: tuple[Change, ...] = (),
    *,
    only_whole: bool = False,
) -> _Trial | None:
    first = mti_at(spec, envelope.frames[0].body)
    if first is None or not is_plausible_mti(first):
        return None
    readings = []
    for frame in envelope.frames:
        reading = read(spec, frame.body)
        if reading is None or (only_whole and reading.broken is not None):
            return None
        readings.append(reading)
    evidence = [*_forms(spec), *envelope.evidence, *_differences(dialect, readings[0])]
    if envelope.frames[0].tpdu[:1] == b"\x60" and family_of(dialect) is Family.UNIONPAY_POS:
        evidence.append(Evidence(_TPDU_OF_A_POS, "a TPDU is what UnionPay terminals send"))
    evidence += [Evidence(_CHANGE, change.words) for change in changes if change.words]
    for reading in readings:
        evidence += _reading_evidence(dialect, reading)
    return _Trial(dialect, spec, envelope, tuple(readings), tuple(evidence), changes)


def _forms(spec: Spec) -> Iterator[Evidence]:
    """How MTI, bitmap and lengths are written, which is no evidence but worth to be told."""
    mti, bitmap = spec[MTI]["data_enc"], spec[PRIMARY]["data_enc"]
    length = next((row["len_enc"] for row in spec.values() if row["len_type"]), BCD_LENGTH)
    bitmap_words = "binary" if bitmap == RAW else f"{_ENCODINGS.get(bitmap, 'ASCII')} hexadecimal characters"
    length_words = {RAW: "binary", BCD_LENGTH: "BCD"}.get(length) or _ENCODINGS.get(length, "ASCII")
    yield Evidence(0, f"{_ENCODINGS.get(mti, 'ASCII')} MTI, bitmap {bitmap_words}, lengths {length_words}")


def _differences(dialect: str, reading: Reading) -> Iterator[Evidence]:
    """How the fields of a message are written otherwise in a profile than in its dialect."""
    base, _, profile = dialect.partition(".")
    usual = DIALECTS.get(base, {}) if profile else {}
    for part in reading.parts:
        row = usual.get(str(part.number))
        words = difference(row, part.spec) if row is not None else None
        if words:
            yield Evidence(0, f"field {part.number} {words} here (byte {part.at})")


def _reading_evidence(dialect: str, reading: Reading) -> Iterator[Evidence]:
    if reading.broken is None:
        yield Evidence(
            _WHOLE_BITS, f"all {reading.end} bytes of the message are read: {len(reading.parts)} fields"
        )
    else:
        field = reading.broken.field
        place = "after the last field" if field is None else f"at field {field}"
        yield Evidence(_BROKEN, f"breaks {place}, byte {reading.broken.at}: {reading.broken.reason.value}")
    yield from message_evidence(dialect, reading)


def _repaired(trial: _Trial) -> _Trial | None:
    """The trial with a varied table that reads its first message to the end.

    None if none does, and for a message that was cut off, whose end says nothing about its fields.
    """
    first = trial.readings[0]
    if first.broken is None or (not trial.envelope.is_exact and first.broken.reason is Defect.TRUNCATED):
        return None
    varied = repaired(trial.spec, trial.envelope.frames[0].body, first)
    if varied is None:
        return None
    return _trial(trial.dialect, varied.spec, trial.envelope, varied.changes)


def _with_other_heads(raw: bytes, dialects: Mapping[str, Spec]) -> Iterator[_Trial]:
    """Trials of the dialects, without their profiles, with MTI, bitmaps or text in another form."""
    laid = [envelope for envelope in envelopes(raw) if envelope.is_exact]
    for dialect, spec in dialects.items():
        for varied, changes in heads(spec) if "." not in dialect else ():
            for envelope in laid:
                trial = _trial(dialect, varied, envelope, changes, only_whole=True)
                if trial is not None:
                    yield trial


def _with_another(trial: _Trial, raw: bytes) -> _Trial:
    """The trial with one more capture laid to its framing and read by its table."""
    laid = fitted(trial.envelope.framing, raw)
    if not laid:
        missed = Evidence(_BROKEN, "the framing does not fit another of the captures")
        return trial._replace(
            evidence=(*trial.evidence, missed), envelope=replace(trial.envelope, is_exact=False)
        )
    envelope = laid[0]
    other = _trial(trial.dialect, trial.spec, envelope)
    if other is None:
        missed = Evidence(_BROKEN, "another of the captures is no message of the dialect")
        return trial._replace(evidence=(*trial.evidence, missed))
    both = replace(trial.envelope, is_exact=trial.envelope.is_exact and envelope.is_exact)
    return trial._replace(
        envelope=both,
        readings=trial.readings + other.readings,
        evidence=(*trial.evidence, *other.evidence),
    )


def _dialects_first(trials: list[_Trial]) -> list[_Trial]:
    """Put a dialect before those of its profiles that explain no more than it does itself."""
    plain = {(*trial.name, _differing(trial)): trial for trial in trials if "." not in trial.dialect}
    return [_after_its_dialect(trial, plain) for trial in trials]


def _differing(trial: _Trial) -> tuple[str, ...]:
    return tuple(change.words for change in trial.changes)


def _after_its_dialect(trial: _Trial, plain: Mapping[tuple[str, str, tuple[str, ...]], _Trial]) -> _Trial:
    base = plain.get((trial.dialect.partition(".")[0], trial.envelope.framing.name, _differing(trial)))
    if base is None or base is trial or not base.reads_all or base.doubts > trial.doubts:
        return trial
    excess = max(0.0, trial.bits - base.bits + 1)
    return trial._replace(evidence=(*trial.evidence, Evidence(-excess, f"{base.dialect} explains as much")))


def _ranked(trials: list[_Trial]) -> list[Candidate]:
    best: dict[tuple[str, str], _Trial] = {}
    for trial in sorted(trials, key=_likelihood):
        best.setdefault(trial.name, trial)
    ranked = list(best.values())
    scored: list[Candidate] = []
    ceiling = 100.0
    for trial, before in zip(ranked, [*ranked[:1], *ranked], strict=False):
        ceiling *= 0.5 ** (max(0.0, before.bits - trial.bits) / _HALVING_BITS)
        ceiling = min(ceiling, _trust(trial))
        if ceiling >= _LEAST_SCORE:
            scored.append(_candidate(trial, round(ceiling, 1)))
    return scored[:_SHOWN]


def _trust(trial: _Trial) -> float:
    """How far a candidate stands without a doubt, in per cent."""
    return 100.0 * max(0.0, trial.bits) / (max(0.0, trial.bits) + trial.doubts + 1e-9)


def _candidate(trial: _Trial, score: float) -> Candidate:
    return Candidate(
        dialect=trial.dialect,
        framing=trial.envelope.framing,
        score=score,
        reasons=tuple(_reasons(trial.evidence)),
        is_whole=trial.is_whole,
        changes=trial.changes,
        header_bytes=trial.envelope.strange_header_bytes,
    )


def _reasons(evidence: Iterable[Evidence]) -> list[str]:
    """Doubts first, then plain facts, then what speaks for the candidate, the weightiest first."""
    spoken = {each.words: each.bits for each in evidence if each.words}
    doubts = sorted((bits, words) for words, bits in spoken.items() if bits < 0)
    facts = [words for words, bits in spoken.items() if bits == 0]
    proofs = sorted(((-bits, words) for words, bits in spoken.items() if bits > 0), key=lambda each: each[0])
    return [*(words for _, words in doubts), *facts, *(words for _, words in proofs)][:_REASONS_MAX]


def diagnose_any(alternatives: Iterable[Sequence[bytes]]) -> list[Candidate]:
    """The candidates for captures that can be had in several ways: those of the way that makes most sense."""
    best: list[Candidate] = []
    for captures in islice(alternatives, _ALTERNATIVES_MAX):
        found = diagnose(captures)
        if found and (not best or _sense(found) > _sense(best)):
            best = found
    return best


def _sense(candidates: Sequence[Candidate]) -> tuple[bool, float]:
    return candidates[0].is_whole, candidates[0].score
