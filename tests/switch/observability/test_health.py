"""The page for machines over real HTTP: what it says, what it refuses, and that it goes away cleanly."""

import gzip
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping

import pytest
import structlog

from switch.observability import logs
from switch.observability.health import HealthServer, start_health_server
from switch.observability.metrics import Metrics

REQUESTS_AT_ONCE = 16


class Checks(dict[str, bool]):
    """Readiness as a test wants it."""

    broken = False

    def __call__(self) -> Mapping[str, bool]:
        """What the page asks for."""
        if self.broken:
            raise RuntimeError("no answer")
        return self


@pytest.fixture
def checks() -> Checks:
    """Two checks that pass."""
    return Checks(database=True, migrations=True)


@pytest.fixture
def server(checks: Checks) -> Iterator[HealthServer]:
    """A running page."""
    metrics = Metrics()
    metrics.connection_accepted("pos")
    server = start_health_server("127.0.0.1", 0, metrics, checks)
    yield server
    server.close()


Answer = tuple[int, Mapping[str, str], bytes]


@pytest.fixture
def ask(server: HealthServer) -> Callable[..., Answer]:
    """Sends one request."""

    def send(path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    return send


def test_live_as_long_as_it_answers(ask: Callable[..., Answer]) -> None:
    """The process that answers lives."""
    status, headers, body = ask("/livez")

    assert (status, body) == (200, b"ok\n")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"


def test_ready_when_every_check_passes(ask: Callable[..., Answer]) -> None:
    """A ready node says so in one word."""
    status, _, body = ask("/readyz")

    assert (status, body) == (200, b"ok\n")


@pytest.mark.parametrize("query", ["verbose", "verbose=1"])
def test_verbose_names_the_checks(ask: Callable[..., Answer], query: str) -> None:
    """Asked for details, a ready node has a line for each check."""
    status, _, body = ask(f"/readyz?{query}")

    assert (status, body) == (200, b"[+]database ok\n[+]migrations ok\nok\n")


def test_not_ready_when_a_check_fails(ask: Callable[..., Answer], checks: Checks) -> None:
    """One failing check makes the node unready, and its name is shown unasked."""
    checks["database"] = False

    status, _, body = ask("/readyz")

    assert (status, body) == (503, b"[-]database failed\n[+]migrations ok\nnot ready\n")


def test_broken_check_is_logged_and_is_not_ready(
    ask: Callable[..., Answer], checks: Checks, capsys: pytest.CaptureFixture[str]
) -> None:
    """A check that raises gives an error status, and the traceback goes through the log."""
    checks.broken = True
    with structlog.testing.capture_logs() as events:
        status, _, body = ask("/readyz")

    assert (status, body) == (500, b"failed; the log says why\n")
    assert [event["event"] for event in events] == ["health request failed"]
    assert capsys.readouterr().err == ""


def test_metrics_are_exposed(ask: Callable[..., Answer]) -> None:
    """A scrape shows the metrics."""
    status, headers, body = ask("/metrics")

    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    assert b'switch_connections{listener="pos"} 1.0\n' in body


def test_metrics_come_as_the_scraper_likes(ask: Callable[..., Answer]) -> None:
    """A scraper gets OpenMetrics, compressed, if it asks for that, and only the names it asks for."""
    accept = {"Accept": "application/openmetrics-text; version=1.0.0", "Accept-Encoding": "gzip"}

    status, headers, body = ask("/metrics?name[]=switch_connections", **accept)

    assert status == 200
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert gzip.decompress(body).decode().splitlines() == [
        "# HELP switch_connections Connections open now.",
        "# TYPE switch_connections gauge",
        'switch_connections{listener="pos"} 1.0',
        "# EOF",
    ]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/nothing"])
def test_head_is_get_without_body(ask: Callable[..., Answer], path: str) -> None:
    """HEAD answers with the status and length of GET and no body."""
    got_status, got_headers, got_body = ask(path)

    status, headers, body = ask(path, "HEAD")

    assert (got_status, got_headers["Content-Type"], b"") == (status, headers["Content-Type"], body)
    assert int(got_headers["Content-Length"]) == len(got_body)
    assert abs(int(headers["Content-Length"]) - len(got_body)) < 100  # figures of the process may have grown


def test_other_paths_are_not_found(ask: Callable[..., Answer]) -> None:
    """There are three pages."""
    status, _, body = ask("/../etc/passwd")

    assert (status, body) == (404, b"/metrics, /livez and /readyz are here\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_only_reading_is_allowed(ask: Callable[..., Answer], method: str) -> None:
    """Every method but GET and HEAD is refused."""
    status, headers, _ = ask("/livez", method)

    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_what_peers_send_is_not_logged(server: HealthServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither requests nor rubbish leave a line."""
    for data in (b"GET /4000001234567899 HTTP/1.0\r\n\r\n", b"\x00\x10rubbish\r\n\r\n", b""):
        with socket.create_connection(("127.0.0.1", server.port)) as peer:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            peer.recv(1000)

    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_broken_connection_is_a_matter_of_debugging(server: HealthServer) -> None:
    """A peer that resets its connection leaves a line at debug level only."""
    logs.configure("debug", "json")  # a test before may have left a level at which nothing would be seen
    linger_not = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    with structlog.testing.capture_logs() as events:
        before = set(threading.enumerate())
        with socket.create_connection(("127.0.0.1", server.port)) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
            # A connection that is reset before it is accepted is none, for the server or for the log.
            _wait_until(lambda: bool(set(threading.enumerate()) - before))
        _wait_until(lambda: bool(events))
    structlog.reset_defaults()

    assert [(event["event"], event["log_level"]) for event in events] == [("health request broken", "debug")]


def test_peers_beyond_the_limit_are_closed(server: HealthServer) -> None:
    """With too many peers that say nothing the next is closed at once; once they go, it is served again."""
    address = ("127.0.0.1", server.port)
    idle = [socket.create_connection(address) for _ in range(REQUESTS_AT_ONCE)]
    with socket.create_connection(address) as late:
        assert late.recv(1) == b""

    for peer in idle:
        peer.close()

    _wait_until(lambda: _is_served(address))


def test_close_cuts_what_is_under_way(checks: Checks) -> None:
    """Closing doesn't wait for a silent peer, frees the port and leaves no thread."""
    before = set(threading.enumerate())
    server = start_health_server("127.0.0.1", 0, Metrics(), checks)
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        _wait_until(lambda: len(set(threading.enumerate()) - before) == 2)
        started = time.monotonic()

        server.close()

        assert time.monotonic() - started < 4  # less than the time a silent peer is waited for
        assert silent.recv(1) == b""
    assert before == set(threading.enumerate())
    start_health_server("127.0.0.1", server.port, Metrics(), checks).close()


def test_taken_port_is_an_error(server: HealthServer, checks: Checks) -> None:
    """Listening on a port that is in use fails and leaves nothing behind."""
    with pytest.raises(OSError, match="in use"):
        start_health_server("127.0.0.1", server.port, Metrics(), checks)


def test_listens_on_version_6(checks: Checks) -> None:
    """An IPv6 address is understood."""
    try:
        server = start_health_server("::1", 0, Metrics(), checks)
    except OSError:
        pytest.skip("no IPv6 here")
    try:
        connection = http.client.HTTPConnection("::1", server.port, timeout=5)
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        server.close()


def _is_served(address: tuple[str, int]) -> bool:
    with socket.create_connection(address) as peer:
        peer.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        try:
            return peer.recv(100).startswith(b"HTTP/1.0 200 OK")
        except ConnectionResetError:
            return False


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
