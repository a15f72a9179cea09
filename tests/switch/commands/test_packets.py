"""Goal: what was sent comes out of a packet capture, in order, once, and of each direction by itself.

Method: captures written packet by packet, in both formats and by several links.
"""

import io
import struct
from collections.abc import Iterable

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switch.commands.packets import NotPacketsError, conversations, holds_packets

CLIENT, SERVER = b"\x0a\0\0\1", b"\x0a\0\0\2"
ETHERNET, RAW, COOKED = 1, 101, 113


def segment(
    data: bytes, sequence: int, *, up: bool = True, flags: int = 0x18, port: int = 40000
) -> dpkt.ip.IP:
    """A packet from the client (`up`) or from the server."""
    ends = (port, 8583) if up else (8583, port)
    tcp = dpkt.tcp.TCP(sport=ends[0], dport=ends[1], seq=sequence, flags=flags, data=data)
    addresses = (CLIENT, SERVER) if up else (SERVER, CLIENT)
    return dpkt.ip.IP(src=addresses[0], dst=addresses[1], p=dpkt.ip.IP_PROTO_TCP, data=tcp)


def linked(packet: dpkt.ip.IP, link: int) -> bytes:
    """A packet as a link carries it."""
    match link:
        case 1:
            return bytes(dpkt.ethernet.Ethernet(data=packet))
        case 113:
            return struct.pack("!HHHQH", 0, 1, 6, 0, 0x0800) + bytes(packet)
        case _:
            return bytes(packet)


def captured(packets: Iterable[dpkt.ip.IP], link: int = ETHERNET, *, new: bool = False) -> bytes:
    """A capture file."""
    file = io.BytesIO()
    writer = dpkt.pcapng.Writer(file, linktype=link) if new else dpkt.pcap.Writer(file, linktype=link)
    for number, packet in enumerate(packets):
        writer.writepkt(linked(packet, link), ts=number)
    return file.getvalue()


HELLO = [
    segment(b"", 1000, flags=0x02),
    segment(b"", 5000, up=False, flags=0x12),
    segment(b"re", 1001),
    segment(b"answer", 5001, up=False),
    segment(b"quest", 1003),
]


@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize("link", [ETHERNET, RAW, COOKED])
def test_both_directions_are_put_together(link: int, *, new: bool) -> None:
    """Of a connection come the client's bytes and the server's, whatever link and format carried them."""
    data = captured(HELLO, link, new=new)

    assert holds_packets(data)
    assert [[b"request", b"answer"]] == conversations(data)


@given(order=st.permutations(range(6)), first=st.sampled_from([1, 2**32 - 7, 2**31]))
@settings(deadline=None)
def test_order_of_packets_makes_no_difference(order: list[int], first: int) -> None:
    """Packets are put in order by their numbers, which may wrap, if the connection's start was seen."""
    text = b"abcdefghijkl"
    parts = [segment(text[2 * n : 2 * n + 2], (first + 1 + 2 * n) % 2**32) for n in order]

    assert [[text]] == conversations(captured([segment(b"", first, flags=0x02), *parts]))


def test_what_was_sent_twice_is_taken_once() -> None:
    """A packet sent again, and one that overlaps, add nothing that is there already."""
    packets = [segment(b"abc", 10), segment(b"abc", 10), segment(b"bcdef", 11), segment(b"b", 11)]

    assert [[b"abcdef"]] == conversations(captured(packets))


def test_missing_packet_divides() -> None:
    """What follows a gap is a piece of its own."""
    assert [[b"abc", b"ghi"]] == conversations(captured([segment(b"abc", 10), segment(b"ghi", 16)]))


def test_connections_are_kept_apart() -> None:
    """Each connection is a conversation; those that carried nothing are left out."""
    packets = [segment(b"one", 1), segment(b"two", 1, port=40001), segment(b"", 1, port=40002)]

    assert [[b"one"], [b"two"]] == conversations(captured(packets))


def test_other_packets_are_passed_over() -> None:
    """What isn't TCP, or breaks off, is no reason to stop."""
    udp = dpkt.ip.IP(src=CLIENT, dst=SERVER, p=17, data=dpkt.udp.UDP(sport=1, dport=2, data=b"no"))
    arp = dpkt.ethernet.Ethernet(type=0x0806, data=b"?")
    file = io.BytesIO()
    writer = dpkt.pcap.Writer(file)
    for raw in (linked(udp, ETHERNET), bytes(arp), b"short", linked(segment(b"yes", 1), ETHERNET)):
        writer.writepkt(raw, ts=1)

    assert [[b"yes"]] == conversations(file.getvalue())


def test_capture_that_breaks_off_is_read_to_there() -> None:
    """Of a file that was still being written, what is there is taken."""
    assert [[b"requ", b"answer"]] == conversations(captured(HELLO)[:-3])


@pytest.mark.parametrize(
    "data", [b"", b"\xd4\xc3\xb2\xa1", captured(HELLO, 147), b"\x0a\x0d\x0d\x0a" + bytes(40)]
)
def test_file_that_cannot_be_read_is_told(data: bytes) -> None:
    """A file without a whole head, or of a link that nobody knows, is refused."""
    with pytest.raises(NotPacketsError):
        conversations(data)


def test_other_files_hold_no_packets() -> None:
    """Only the formats' own first bytes make a file a capture."""
    assert not holds_packets(b"0800")
