"""What TCP connections carried, out of a file of captured packets (pcap or pcapng).

The file is read by dpkt. Packets of a direction are put in order by their sequence numbers; what was sent
twice is taken once. Where packets are missing, what follows is a piece of its own, since nobody knows what
was between. Packets that aren't TCP, or can't be read, are passed over.
"""

import io
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import dpkt

_MAGIC: Final = tuple(
    bytes.fromhex(magic) for magic in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a")
)
_PACKETS_MAX: Final = 20_000
_SEQUENCE_NUMBERS: Final = 1 << 32
_SYN: Final = 0x02
_BROKEN: Final = (dpkt.Error, ValueError, IndexError, KeyError, AttributeError, TypeError, struct.error)


class Endpoint(NamedTuple):
    """An address and a port."""

    address: bytes
    port: int


class NotPacketsError(Exception):
    """The file isn't one of captured packets, or breaks off in its head."""


class _Segment(NamedTuple):
    sequence: int
    data: bytes
    is_syn: bool


_LINKS: Final[Mapping[int, Callable[[bytes], Any]]] = MappingProxyType(
    {
        0: dpkt.loopback.Loopback,
        1: dpkt.ethernet.Ethernet,
        12: dpkt.ip.IP,
        14: dpkt.ip.IP,
        101: dpkt.ip.IP,
        108: dpkt.loopback.Loopback,
        113: dpkt.sll.SLL,
        228: dpkt.ip.IP,
        229: dpkt.ip6.IP6,
        276: dpkt.sll2.SLL2,
    }
)
"""Readers of a link layer's packets, by the link type of the file (tcpdump.org/linktypes.html)."""


def holds_packets(data: bytes) -> bool:
    """Whether a file's first bytes are those of a packet capture."""
    return data.startswith(_MAGIC)


def conversations(data: bytes) -> list[list[bytes]]:
    """For each connection what was sent over it, in whole pieces, both directions after one another.

    Raises:
        NotPacketsError: The file can't be read.
    """
    directions: dict[tuple[Endpoint, Endpoint], list[_Segment]] = defaultdict(list)
    for ends, segment in _segments(data):
        directions[ends].append(segment)
    pieces: dict[frozenset[Endpoint], list[bytes]] = defaultdict(list)
    for ends, segments in directions.items():
        pieces[frozenset(ends)] += _reassembled(segments)
    return [found for found in pieces.values() if found]


def _segments(data: bytes) -> Iterator[tuple[tuple[Endpoint, Endpoint], _Segment]]:
    try:
        reader = dpkt.pcap.UniversalReader(io.BytesIO(data))
        read_link = _LINKS.get(reader.datalink())
    except _BROKEN:
        raise NotPacketsError from None
    if read_link is None:
        raise NotPacketsError
    for packet in _packets(reader):
        try:
            found = _segment(read_link(packet))
        except _BROKEN:
            continue
        if found is not None:
            yield found


def _packets(reader: Any) -> Iterator[bytes]:
    """The packets, as far as the file is whole."""
    packets = iter(reader)
    for _ in range(_PACKETS_MAX):
        try:
            _, packet = next(packets)
        except (StopIteration, *_BROKEN):
            return
        yield packet


def _segment(layer: Any) -> tuple[tuple[Endpoint, Endpoint], _Segment] | None:
    network = layer if isinstance(layer, dpkt.ip.IP | dpkt.ip6.IP6) else layer.data
    if not isinstance(network, dpkt.ip.IP | dpkt.ip6.IP6) or not isinstance(network.data, dpkt.tcp.TCP):
        return None
    tcp = network.data
    ends = Endpoint(network.src, tcp.sport), Endpoint(network.dst, tcp.dport)
    return ends, _Segment(tcp.seq, bytes(tcp.data), bool(tcp.flags & _SYN))


def _reassembled(segments: list[_Segment]) -> list[bytes]:
    """One direction's bytes; more than one piece where packets are missing."""
    first = next((each.sequence + 1 for each in segments if each.is_syn), segments[0].sequence)
    placed = sorted((_after(first, each.sequence + each.is_syn), each.data) for each in segments if each.data)
    pieces: list[bytearray] = []
    end = None
    for start, data in placed:
        if end is None or start > end:
            pieces.append(bytearray())
            end = start
        pieces[-1] += data[end - start :]
        end = max(end, start + len(data))
    return [bytes(piece) for piece in pieces]


def _after(first: int, sequence: int) -> int:
    """How far a sequence number lies after the first; numbers wrap, and a late packet may lie before it."""
    distance = (sequence - first) % _SEQUENCE_NUMBERS
    return distance - _SEQUENCE_NUMBERS if distance > _SEQUENCE_NUMBERS // 2 else distance
