"""The way to the HSM: name an operation, wait for what it returns.

The operations are the methods of `SoftHsm`; their signatures are the interface. `ask` performs one, wherever
the HSM is: in this process, in a process of its own, or, by another subclass, in a hardware module. Its type
is that of the operation, so the checker knows arguments and result as if the method were called:

    mac = await hsm.ask(SoftHsm.pos_mac, mac_key, data)

What an operation raises, `ask` raises. An HSM that can't be reached raises `HsmUnavailable`, and then nobody
knows whether the operation was done: none of them changes anything that lasts, so it may be asked again. In
process nothing ever waits, and asking costs a tenth of a microsecond more than calling; there `core` is the
HSM itself, for callers that are no coroutines.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from hsm_soft.hsm import SoftHsm

__all__ = ["Hsm", "HsmUnavailable", "InProcessHsm"]

P = ParamSpec("P")
T = TypeVar("T")


class HsmUnavailable(Exception):
    """The HSM doesn't answer, or has too much to do; says which."""


class Hsm(ABC):
    """An HSM; see the module's docstring."""

    @abstractmethod
    async def ask(
        self, operation: Callable[Concatenate[SoftHsm, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Perform an operation.

        Args:
            operation: a method of `SoftHsm`.
            args: its arguments, all by position.
            kwargs: none; here for the type checker.

        Returns:
            What the operation returns.

        Raises:
            HsmUnavailable: the HSM can't be reached, doesn't answer in time or has too much to do.
        """

    core: SoftHsm | None = None
    """The HSM itself where asking it never waits: who can't wait calls its operations; None elsewhere."""

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the HSM can be asked, as far as is known without asking."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of the HSM; what is under way raises `HsmUnavailable`."""


class InProcessHsm(Hsm):
    """The HSM in this process.

    Args:
        core: what performs the operations; from now on used by this process's event loop only.
    """

    def __init__(self, core: SoftHsm) -> None:
        self.core: SoftHsm = core

    def __repr__(self) -> str:
        return f"<InProcessHsm {self.core!r}>"

    async def ask(
        self, operation: Callable[Concatenate[SoftHsm, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Perform an operation, at once."""
        return operation(self.core, *args, **kwargs)

    @property
    def is_ready(self) -> bool:
        """Always."""
        return True

    async def close(self) -> None:
        """Nothing to let go of."""
