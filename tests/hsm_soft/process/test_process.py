"""The HSM's socket: who is let in, what becomes of nonsense, of unread answers, of an HSM that goes away."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import HsmUnavailable
from hsm_soft.process import client as client_module
from hsm_soft.process import server as server_module
from hsm_soft.process.client import HsmObserver
from hsm_soft.process.codec import SIGNATURE, Defect, encode_frame, encode_question
from hsm_soft.process.socket_file import SocketRefused, listening_socket, peer_is_ours

from .conftest import Dial, Seen, serving

PAN = "6222020000000000017"


class Told(HsmObserver):
    """What a client told its observer."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.gone = asyncio.Event()
        self.reconnected = asyncio.Event()

    def connected(self) -> None:
        """Keep it; the second time is a return."""
        if self.gone.is_set():
            self.reconnected.set()
        self.events.append("connected")

    def lost(self, outstanding: int) -> None:
        """Keep it."""
        self.gone.set()
        self.events.append("lost")

    def answered(self, operations: int, seconds: float) -> None:
        """Keep how many."""
        self.events.append(f"answered {operations}")

    def refused(self) -> None:
        """Keep it."""
        self.events.append("refused")


def test_only_the_owner_reaches_the_socket(folder: Path) -> None:
    """The socket has mode 0600, in a folder of mode 0700."""
    path = folder / "hsm.sock"
    with listening_socket(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_second_hsm_gives_up(path: Path) -> None:
    """One HSM serves at one place."""
    with pytest.raises(SocketRefused, match="another HSM serves there"), listening_socket(path):
        pass


def test_a_socket_left_behind_is_replaced(made_folder: Path) -> None:
    """What a killed HSM left is no obstacle, and nothing is left by one that ended in order."""
    folder = made_folder
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "hsm.sock"))

    with listening_socket(folder / "hsm.sock"):
        assert (folder / "hsm.sock").exists()
    assert not (folder / "hsm.sock").exists()


def test_a_folder_open_to_others_is_refused(folder: Path) -> None:
    """Where others may look in, no socket is put."""
    folder.mkdir()
    folder.chmod(0o750)

    with pytest.raises(SocketRefused, match="mode 0700"), listening_socket(folder / "hsm.sock"):
        pass


def test_a_path_too_long_for_a_socket_is_refused(folder: Path) -> None:
    """The system has room for 107 bytes, and would cut the rest off."""
    with pytest.raises(SocketRefused, match="107 bytes"), listening_socket(folder / ("x" * 107)):
        pass


def test_a_folder_that_cannot_be_made_is_told(folder: Path) -> None:
    """What the system says is passed on."""
    folder.parent.joinpath("file").touch()

    with (
        pytest.raises(SocketRefused, match="directory"),
        listening_socket(folder.parent / "file" / "x" / "hsm.sock"),
    ):
        pass


def test_the_kernel_says_whose_process_a_peer_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer of this user is ours; of another one it isn't."""
    one, other = socket.socketpair()
    with one, other:
        assert peer_is_ours(one)
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
        assert not peer_is_ours(one)


async def test_a_peer_of_another_user_is_cut_off(
    path: Path, dial: Dial, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets no byte."""
    monkeypatch.setattr(server_module, "peer_is_ours", lambda _: False)

    with pytest.raises(HsmUnavailable, match="refused"):
        await dial()
    assert seen.refused == ["another user's process"]


async def test_connections_are_limited(
    path: Path, dial: Dial, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One too many is cut off, and the others go on."""
    monkeypatch.setattr(server_module, "CONNECTIONS_MAX", 1)
    first = await dial()

    with pytest.raises(HsmUnavailable):
        await dial()
    assert await first.ask(SoftHsm.pan_index, PAN)
    assert seen.refused == ["too many connections"]


@pytest.mark.parametrize("nonsense", [b"\xff" * 10, encode_frame(1, [b"\xff"]), encode_frame(1, [b"\0\0"])])
async def test_nonsense_is_cut_off(path: Path, seen: Seen, nonsense: bytes) -> None:
    """Bytes that are no frame end their connection, and no other."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(nonsense)
    received = await reader.read()
    writer.close()

    assert received == SIGNATURE
    assert seen.refused == ["malformed frame"]


async def test_what_is_asked_in_one_turn_goes_in_one_frame(path: Path, dial: Dial) -> None:
    """Load makes batches; the limit of a frame splits them."""
    told = Told()
    client = await dial(told)
    await asyncio.gather(*(client.ask(SoftHsm.pan_index, PAN) for _ in range(1030)))
    await client.ask(SoftHsm.pan_index, PAN)

    assert told.events == ["connected", "answered 1024", "answered 6", "answered 1"]


async def test_large_operations_are_split_by_their_size(path: Path, dial: Dial) -> None:
    """A frame holds a megabyte of operations, and an operation no more than that."""
    told = Told()
    client = await dial(told)
    large = bytes(700_000)
    await asyncio.gather(*(client.ask(SoftHsm.fingerprint, large) for _ in range(2)))

    assert told.events == ["connected", "answered 1", "answered 1"]
    with pytest.raises(ValueError, match="larger than a frame"):
        await client.ask(SoftHsm.fingerprint, large * 2)


async def test_answers_left_unread_stop_the_reading(path: Path) -> None:
    """A peer that asks and never reads is asked for no more, and gets every answer once it reads."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=2**16)
    frame = encode_frame(1, [encode_question(SoftHsm.fingerprint, (b"x",))] * 1000)
    writes = asyncio.create_task(_write_all(writer, frame * 100))
    done, _ = await asyncio.wait([writes], timeout=0.5)
    assert not done

    await reader.readexactly(len(SIGNATURE))
    answers = await reader.readexactly(100 * (10 + 1000 * 22))
    await writes
    writer.close()

    assert answers[:10] == answers[22_010:22_020]


async def _write_all(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def test_an_operation_that_fails_by_itself_is_a_defect(path: Path, dial: Dial, seen: Seen) -> None:
    """Arguments that only another program would send are answered by the error's type, and noted by name."""
    client = await dial()

    with pytest.raises(Defect, match="TypeError"):
        await client.ask(SoftHsm.fingerprint)
    assert seen.defective == ["fingerprint"]
    assert await client.ask(SoftHsm.fingerprint, b"x")


async def test_no_hsm_is_told(folder: Path, dial: Dial) -> None:
    """A client of nobody says so at once."""
    with pytest.raises(HsmUnavailable, match="no HSM at"):
        await dial()


async def test_an_hsm_of_another_version_is_refused(
    path: Path, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where bytes would mean something else, nothing is asked."""
    monkeypatch.setattr(server_module, "SIGNATURE", bytes(32))

    with pytest.raises(HsmUnavailable, match="another version"):
        await dial()


async def test_an_hsm_that_does_not_greet_is_given_up(
    folder: Path, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever accepts and says nothing is no HSM."""
    monkeypatch.setattr(client_module, "_HELLO_SECONDS", 0.01)
    with listening_socket(folder / "hsm.sock"), pytest.raises(HsmUnavailable, match="doesn't answer"):
        await dial()


async def test_the_client_comes_back(folder: Path, hsm: SoftHsm, seen: Seen, dial: Dial) -> None:
    """What is outstanding when the HSM goes fails, what is asked meanwhile too; then all is well again."""
    told = Told()
    async with serving(hsm, folder / "hsm.sock", seen):
        client = await dial(told)
        outstanding = asyncio.create_task(client.ask(SoftHsm.pan_index, PAN))
        await asyncio.sleep(0)
    with pytest.raises(HsmUnavailable):
        await outstanding
    await told.gone.wait()
    with pytest.raises(HsmUnavailable, match="there is no HSM"):
        await client.ask(SoftHsm.pan_index, PAN)
    async with serving(hsm, folder / "hsm.sock", seen):
        await told.reconnected.wait()

        assert await client.ask(SoftHsm.pan_index, PAN)


async def _stuck(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(SIGNATURE)
    await reader.read()
    writer.close()


async def test_an_hsm_that_does_not_answer_is_gone(made_folder: Path, dial: Dial) -> None:
    """An answer that takes too long fails everything outstanding and ends the connection."""
    async with await asyncio.start_unix_server(_stuck, made_folder / "hsm.sock"):
        told = Told()
        client = await dial(told, answer_seconds=0.05)
        with pytest.raises(HsmUnavailable, match="gone"):
            await client.ask(SoftHsm.pan_index, PAN)
        assert told.events[1] == "lost"
        await client.close()


async def _wrong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(SIGNATURE)
    await reader.read(1)
    writer.write(encode_frame(99, []))
    await reader.read()
    writer.close()


async def test_answers_to_nothing_end_the_connection(made_folder: Path, dial: Dial) -> None:
    """A frame that answers no question means that the two have lost each other."""
    async with await asyncio.start_unix_server(_wrong, made_folder / "hsm.sock"):
        client = await dial()
        with pytest.raises(HsmUnavailable, match="gone"):
            await client.ask(SoftHsm.pan_index, PAN)
        await client.close()


async def test_outstanding_operations_are_limited(
    path: Path, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks beyond the limit is refused at once; the rest is answered."""
    monkeypatch.setattr(client_module, "OUTSTANDING_MAX", 2)
    told = Told()
    client = await dial(told)

    results = await asyncio.gather(
        *(client.ask(SoftHsm.pan_index, PAN) for _ in range(3)), return_exceptions=True
    )

    assert [type(result).__name__ for result in results] == ["bytes", "bytes", "HsmUnavailable"]
    assert "refused" in told.events
    assert await client.ask(SoftHsm.pan_index, PAN)


async def test_whoever_no_longer_waits_changes_nothing(path: Path, dial: Dial) -> None:
    """A question given up meanwhile leaves its neighbours' answers where they belong."""
    client = await dial()
    first = asyncio.create_task(client.ask(SoftHsm.pan_index, PAN))
    second = asyncio.create_task(client.ask(SoftHsm.fingerprint, b"x"))
    await asyncio.sleep(0)
    first.cancel()

    assert len(await second) == 16
