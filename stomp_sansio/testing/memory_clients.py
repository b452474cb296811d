"""Clients of a broker in memory, whatever their colour: the real ones, joined to it without a socket.

An adapter adds how a task waits; a thread that waits moves the clock itself. This file must not know any
loop, nor STOMP's rules.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from itertools import count
from typing import Generic, NamedTuple, Protocol, TypeVar, TypeVarTuple, Unpack

from ..broker.options import BrokerOptions
from ..broker.statistics import Statistics
from ..client.awaiting import AwaitingRunner
from ..client.awaiting import Client as AwaitingClient
from ..client.keywords import ConnectKeywords
from ..client.opening import Log, Prepared, Surroundings
from ..client.opening import connect as prepare
from ..client.waiting import Client as WaitingClient
from ..client.waiting import WaitingRunner
from ..errors import StompError
from ..protocol.events import ConnectRequest
from ..protocol.headers import HeaderPairs
from ..session.events import Changed, CredentialsWanted, SessionEvent
from ..session.subscription import Delivery, Subscription
from .memory_broker import MemoryBroker
from .network import Choose, Host, Network

__all__ = ["AwaitingMemoryBroker", "Happening", "Runtime", "WaitingMemoryBroker"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
ClientT = TypeVar("ClientT", bound=AwaitingClient)

_URL = "stomp://broker"
_FOREVER = 3_600.0
"""Virtual seconds: where nobody else acts, what has not come in an hour of heart-beats never comes."""


class _Silent:
    """A log that nobody reads."""

    def isEnabledFor(self, level: int, /) -> bool:  # noqa: N802  # the name is the library's
        return False

    def debug(self, line: str, /) -> None:
        pass

    def info(self, line: str, /) -> None:
        pass

    def error(self, line: str, /, *, exc_info: Exception) -> None:
        pass


class _Joining(MemoryBroker):
    """What both colours have: a network of their own, and sessions that are made for it."""

    def __init__(
        self,
        log: Log | None = None,
        *,
        login: Callable[[ConnectRequest], bool] = lambda request: True,
        options: BrokerOptions | None = None,
        network: Network | None = None,
        conditions: Choose | None = None,
    ) -> None:
        """Make a broker that is empty, and where everybody may come in unless `login` says otherwise.

        `conditions` says how each connection fares, as that of a `Network`; with a `network` of your own,
        what else is in there meets the broker too.
        """
        self.network = Network() if network is None else network
        """Where the broker is, and whoever connects to it."""
        if conditions is not None:
            self.network.conditions = conditions
        super().__init__(self.network, login=login, options=options)
        self._log = _Silent() if log is None else log
        self._names = count(1)

    def _prepare(self, keywords: ConnectKeywords) -> Prepared:
        surroundings = Surroundings(
            {}, self._token_bytes, self.network.chance, self._log, ask_credentials=False, single=False
        )
        return prepare(_URL, surroundings, **keywords)

    def _token_bytes(self, size: int) -> bytes:
        """Return octets that never come twice, and in every run are the same."""
        return next(self._names).to_bytes(size, "big")


# Who waits moves the clock


class _WaitingInMemory(WaitingRunner):
    """Carries out commands in a network, whose time passes while somebody waits."""

    def __init__(self, prepared: Prepared, network: Network) -> None:
        super().__init__(prepared)
        self._network = network
        self._host: Host[SessionEvent] = network.add(prepared.machine, self._hear)

    def now(self) -> float:
        return self._host.now

    def locked(self) -> AbstractContextManager[object]:
        return nullcontext()

    def changed(self) -> None:
        pass

    def do(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        try:
            return command(self._host.now, *arguments)
        finally:
            self._host.kick()

    def take(self, subscription: Subscription) -> Delivery | None:
        return self.do(lambda now: self.session.take(subscription, now))

    def wait(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        network = self._network
        until = network.now + (_FOREVER if timeout is None else timeout)
        try:
            network.run_until(ready, until - network.now)
        except TimeoutError:
            if timeout is None:
                raise TimeoutError(
                    "nobody acts, and it has not come in a virtual hour: it never will"
                ) from None
            network.run_to(until)
        return ready()

    def pump(self, ready: Callable[[], bool], timeout: float) -> None:
        self.wait(ready, timeout)

    def _hear(self, event: SessionEvent) -> None:
        if not isinstance(event, Changed | CredentialsWanted):
            self.tell(event)


class WaitingMemoryBroker(_Joining):
    """A broker in memory with a clock of its own, which moves while somebody waits, and by `run`.

    There is no thread and no socket; the same calls bring the same octets in every run.
    """

    @contextmanager
    def connect(self, **keywords: Unpack[ConnectKeywords]) -> Generator[WaitingClient]:
        """Connect a client, which is the one of `stomp_blocking`: `with broker.connect() as client`."""
        runner = _WaitingInMemory(self._prepare(keywords), self.network)
        client = WaitingClient(runner)
        runner.do(runner.begin)
        try:
            try:
                client.wait_ready()
            except StompError as error:
                # The session knows better than the waiter why there is no connection.
                raise (runner.session.error or error) from None
            yield client
        finally:
            client.close()
            runner.wait(lambda: runner.machine.finished, runner.close_timeout)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.network.run(seconds)


# A loop has the clock


class Happening(Protocol):
    """What `trio.Event` and `asyncio.Event` offer."""

    def set(self) -> None:
        """Let everybody go on who waits."""
        ...

    def wait(self) -> Awaitable[object]:
        """Wait until it is set."""
        ...


class Runtime(NamedTuple):
    """How tasks of one loop wait."""

    now: Callable[[], float]
    """Returns the instant on the loop's clock, which may be a mock."""
    make_event: Callable[[], Happening]
    wait: Callable[[Happening, float], Awaitable[None]]
    """Waits for an event, but not beyond an instant; infinity is for ever."""
    rest: Callable[[], Awaitable[None]]
    """Lets others run."""


class _Flag:
    """Whether something has changed."""

    __slots__ = ("up",)

    def __init__(self) -> None:
        self.up = False


class _AwaitingInMemory(AwaitingRunner):
    """Carries out commands in a network, whose time is the loop's."""

    def __init__(self, prepared: Prepared, broker: AwaitingMemoryBroker[ClientT]) -> None:
        super().__init__(prepared)
        self._broker = broker
        self._host: Host[SessionEvent] = broker.network.add(prepared.machine, self._hear)
        self._flags: dict[object, _Flag] = {}

    def do(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        self._broker.catch_up()
        try:
            return command(self._host.now, *arguments)
        finally:
            self._host.kick()
            self._broker.stir()

    def take(self, subscription: Subscription) -> Delivery | None:
        return self.do(lambda now: self.session.take(subscription, now))

    async def change(self, subject: object) -> None:
        flag = self._flags.setdefault(subject, _Flag())
        await self._broker.wait_until(lambda: flag.up, math.inf)

    async def rest(self) -> None:
        await self._broker.runtime.rest()

    def _hear(self, event: SessionEvent) -> None:
        if isinstance(event, Changed):
            self._raise(event.subject)
        elif not isinstance(event, CredentialsWanted):
            for follower in self.tell(event):
                self._raise(follower)

    def _raise(self, subject: object) -> None:
        if (flag := self._flags.pop(subject, None)) is not None:
            flag.up = True


class AwaitingMemoryBroker(_Joining, Generic[ClientT]):
    """A broker in memory under a loop's clock, which may be a mock: what takes time takes the loop's.

    There is no task and no socket: whoever waits carries out what is due.
    """

    def __init__(
        self,
        runtime: Runtime,
        make_client: Callable[[AwaitingRunner], ClientT],
        log: Log | None = None,
        *,
        login: Callable[[ConnectRequest], bool] = lambda request: True,
        options: BrokerOptions | None = None,
        conditions: Choose | None = None,
    ) -> None:
        """Adapters call this, in a running loop."""
        network = Network()
        network.now = runtime.now()
        super().__init__(log, login=login, options=options, network=network, conditions=conditions)
        self.runtime = runtime
        self._make_client = make_client
        self._stirred = runtime.make_event()
        self._running = False

    @asynccontextmanager
    async def connect(self, **keywords: Unpack[ConnectKeywords]) -> AsyncGenerator[ClientT]:
        """Connect a client, which is the one of this colour: `async with broker.connect() as client`."""
        runner = _AwaitingInMemory(self._prepare(keywords), self)
        client = self._make_client(runner)
        runner.do(runner.begin)
        try:
            try:
                await client.wait_ready()
            except StompError as error:
                # The session knows better than the waiter why there is no connection.
                raise (runner.session.error or error) from None
            yield client
        finally:
            # Who is cancelled here does not wait for the end, which comes all the same.
            runner.do(runner.session.close)
            until = self.runtime.now() + runner.close_timeout
            await self.wait_until(lambda: runner.machine.finished, until)

    def send(self, destination: str, body: bytes = b"", *, headers: HeaderPairs = ()) -> None:
        """Send a message to whoever is subscribed, or to a queue.

        Raises:
            ValueError: there is no such destination, or a limit is reached. The caller is to blame.
        """
        self.catch_up()
        super().send(destination, body, headers=headers)
        self.stir()

    def close(self) -> None:
        """End every connection in order, and accept none."""
        self.catch_up()
        super().close()
        self.stir()

    def statistics(self) -> Statistics:
        """Return what there is and what has been by now, in numbers."""
        self.catch_up()
        return super().statistics()

    def catch_up(self) -> None:
        """Carry out what is due by now. Whatever a client is asked for does this as well; look at `events`
        behind it.
        """
        now, due = self.runtime.now(), self.network.next_instant
        if self._running:
            # What is carried out has called this: whoever does it goes on with the rest.
            return
        self._running = True
        try:
            self.network.run_to(now)
        finally:
            self._running = False
        if due is not None and due <= now:
            self.stir()

    def stir(self) -> None:
        """Let everybody who waits look again, since something has changed, or something else is due next."""
        stirred, self._stirred = self._stirred, self.runtime.make_event()
        stirred.set()

    async def wait_until(self, condition: Callable[[], bool], until: float) -> None:
        """Wait until something holds, but not beyond an instant of the loop's clock."""
        self.catch_up()
        await self.runtime.rest()
        while not condition() and self.runtime.now() < until:
            due = self.network.next_instant
            await self.runtime.wait(self._stirred, until if due is None else min(due, until))
            self.catch_up()
