"""The tests of the flow run over both of its paths: what is answered and posted must not depend on them."""

from contextlib import AsyncExitStack

import pytest

from hsm_soft.interface import InProcessHsm
from tests.switch.shop import HsmElsewhere, Node, World


@pytest.fixture(params=["fast path", "slow path"])
async def node(world: World, nodes: AsyncExitStack, request: pytest.FixtureRequest) -> Node:
    """A node of the test's own; one whose HSM has to be waited for takes the slow path for everything."""
    hsm = InProcessHsm(world.hsm)
    return await Node.start(world, nodes, hsm=hsm if request.param == "fast path" else HsmElsewhere(hsm))
