"""The page for machines: `/metrics` for Prometheus, `/livez` and `/readyz` for who keeps the node running.

It runs in threads of its own, so that it answers while the event loop is busy, and a scrape holds the loop up
for no longer than the interpreter's switch interval. `/livez` says that the process runs. `/readyz` says
whether it should get work: 200 if every check passes, else 503 with a line for each; `?verbose` shows the
lines in any case. The status code is the contract, as it is at Kubernetes.

The port is for the operator's own network and bounded all the same: so many requests at once, so long for
each read, GET and HEAD only, and nothing a peer sends is logged.
"""

import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from socketserver import TCPServer, ThreadingMixIn
from typing import Final, NamedTuple
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from switch.observability import logs
from switch.observability.metrics import Metrics

Readiness = Callable[[], Mapping[str, bool]]

_REQUESTS_MAX: Final = 16
_READ_TIMEOUT_SECONDS: Final = 5.0
_STOP_POLL_SECONDS: Final = 0.1

log = logs.get(__name__)

# What socketserver calls a request; of a TCP server it is always a socket.
_Request = socket.socket | tuple[bytes, socket.socket]


class HealthServer:
    """The running page.

    Attributes:
        port: Where it listens, also when any free port was asked for.
    """

    def __init__(self, server: "_Server") -> None:
        self.port: int = server.server_port
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(_STOP_POLL_SECONDS,), name="health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening, cut requests under way, and wait until every thread is gone."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def start_health_server(host: str, port: int, metrics: Metrics, ready: Readiness) -> HealthServer:
    """Serve the page until `close`.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes any free one.
        metrics: What `/metrics` exposes.
        ready: The checks by name; called in another thread, once for each request to `/readyz`.

    Raises:
        OSError: The address can't be listened on.
    """
    return HealthServer(_Server(host, port, HealthPage(metrics.registry, ready)))


class _Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes


def _text(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> _Answer:
    fixed = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
    return _Answer(f"{status.value} {status.phrase}", [*fixed, *headers], f"{text}\n".encode())


class HealthPage:
    """The page as a WSGI application."""

    def __init__(self, registry: CollectorRegistry, ready: Readiness) -> None:
        self._expose = make_wsgi_app(registry)
        self._ready = ready

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answers one request (PEP 3333)."""
        try:
            answer = self._answer(environ)
        except Exception:  # a broken check must not put its traceback past the log
            log.exception("health request failed")
            answer = _text(HTTPStatus.INTERNAL_SERVER_ERROR, "failed; the log says why")
        start_response(answer.status, [*answer.headers, ("Content-Length", str(len(answer.body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> _Answer:
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _text(HTTPStatus.METHOD_NOT_ALLOWED, "GET or HEAD only", ("Allow", "GET, HEAD"))
        match environ["PATH_INFO"]:
            case "/metrics":
                return self._metrics(environ)
            case "/livez":
                return _text(HTTPStatus.OK, "ok")
            case "/readyz":
                query = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
                return self._readiness(verbose="verbose" in query)
            case _:
                return _text(HTTPStatus.NOT_FOUND, "/metrics, /livez and /readyz are here")

    def _metrics(self, environ: WSGIEnvironment) -> _Answer:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]]) -> None:
            started.append((status, headers))

        body = b"".join(self._expose({**environ, "REQUEST_METHOD": "GET"}, start))
        return _Answer(*started[0], body)

    def _readiness(self, *, verbose: bool) -> _Answer:
        checks = self._ready()
        passed = all(checks.values())
        lines = [f"[+]{name} ok" if good else f"[-]{name} failed" for name, good in checks.items()]
        summary = "ok" if passed else "not ready"
        status = HTTPStatus.OK if passed else HTTPStatus.SERVICE_UNAVAILABLE
        return _text(status, "\n".join([*lines, summary]) if verbose or not passed else summary)


class _Handler(WSGIRequestHandler):
    """One request; silent, and with a limit on each wait for the peer."""

    timeout = _READ_TIMEOUT_SECONDS

    def log_message(self, *_: object) -> None:
        """Nothing: paths and headers are the peer's words."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each request, up to a limit; further ones are closed at once."""

    request_queue_size = _REQUESTS_MAX
    daemon_threads = False  # so that closing waits for them; it cuts their connections first

    def __init__(self, host: str, port: int, application: HealthPage) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._open: set[_Request] = set()
        super().__init__((host, port), _Handler)
        self.set_app(application)

    def server_bind(self) -> None:
        """Binds without asking the name service who we are, which may take its time."""
        TCPServer.server_bind(self)
        self.server_name = str(self.server_address[0])
        self.server_port = int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: _Request, client_address: object) -> None:
        """Starts a thread for the request if there are few enough."""
        if len(self._open) >= _REQUESTS_MAX:
            super().shutdown_request(request)
            return
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: _Request) -> None:
        """The request is over."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """A peer that went away or kept us waiting is its own business."""
        log.debug("health request broken", error=sys.exception())

    def server_close(self) -> None:
        """Closes the listener, cuts the open connections and joins their threads."""
        for request in tuple(self._open):
            assert isinstance(request, socket.socket)
            with suppress(OSError):  # its thread may just have closed it
                request.shutdown(socket.SHUT_RDWR)
        super().server_close()
