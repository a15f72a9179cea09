"""One switch for all tests that leave it running, and lines that are hung up after each test.

Tests that stop or kill a switch, or need two, have an installation of their own (`own_installation`, one for
each module), made in the same way; such a module says which are its `world` and `switch`, and everything here
is about those.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from .plain_line import Line
from .plain_terminal import DOUBLE_LENGTH, Card, Identity, Terminal
from .switch_process import INSTALLATIONS, Installation, Switch, World

Dial = Callable[[Switch], Line]
SignOn = Callable[..., Terminal]


@pytest.fixture(autouse=True)
def logs_are_heard() -> Iterator[None]:
    """What switches wrote during a test is searched for the test's secrets."""
    yield
    for installation in INSTALLATIONS:
        for switch in installation.switches:
            switch.overheard()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The shared home; a started frame may take one second there."""
    home = tmp_path_factory.mktemp("shared") / "home"
    installation = Installation(home, CARDSWITCH_LISTENERS__POS__FRAME_TIMEOUT_SECONDS="1")
    yield installation
    installation.stop()


@pytest.fixture(scope="session")
def world(installation: Installation) -> World:
    """The devices and cards of the shared home."""
    return World(installation.world_document())


@pytest.fixture(scope="session")
def switch(installation: Installation, world: World) -> Switch:
    """The shared switch."""
    return installation.start()


@pytest.fixture(scope="module")
def own_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A home for one module alone, with nothing running on it yet."""
    installation = Installation(tmp_path_factory.mktemp("own") / "home")
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def own_world(own_installation: Installation) -> World:
    """The devices and cards of the module's own home."""
    return World(own_installation.world_document())


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Opens a line to a switch, hung up when the test ends."""
    with ExitStack() as lines:
        yield lambda switch: lines.enter_context(closing(Line.connected(switch.address)))


@pytest.fixture
def sign_on(switch: Switch, world: World, dial: Dial) -> SignOn:
    """Signs a device on at the switch: the next one on a new line, unless told otherwise."""

    def signed_on(
        device: Identity | None = None, *, line: Line | None = None, layout: str = DOUBLE_LENGTH
    ) -> Terminal:
        return Terminal.signed_on(device or world.device(), line or dial(switch), layout)

    return signed_on


@pytest.fixture
def terminal(sign_on: SignOn) -> Terminal:
    """A device signed on at the switch, alone on its line."""
    return sign_on()


@pytest.fixture
def card(world: World) -> Card:
    """A card of the world with its whole opening balance."""
    return world.card()
