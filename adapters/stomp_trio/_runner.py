"""What a client, its subscriptions and its messages share: a session, its driver, and a way to wait.

What lives here knows trio's events; it must not know what anybody waits for.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Unpack

import trio
from trio.lowlevel import enable_ki_protection

from stomp_sansio.client.awaiting import AwaitingRunner
from stomp_sansio.client.core import T, Ts
from stomp_sansio.client.opening import Prepared
from stomp_sansio.session.events import Changed, CredentialsWanted, SessionEvent
from stomp_sansio.session.lifeline import SessionState
from stomp_sansio.session.options import Credentials
from stomp_sansio.session.subscription import Delivery, Subscription

from ._driver import Driver

__all__ = ["CredentialsHook", "Runner", "logger"]

CredentialsHook = Callable[[], Awaitable[Credentials]]

logger = logging.getLogger("stomp_trio")


class Runner(AwaitingRunner):
    """Runs one session in a nursery."""

    def __init__(
        self,
        prepared: Prepared,
        credentials: CredentialsHook | None,
        ssl_context: ssl.SSLContext | None,
        stream: trio.abc.Stream | None,
    ) -> None:
        super().__init__(prepared)
        self._credentials = credentials
        self._driver: Driver[SessionEvent] = Driver(
            self.machine, self._hear, ssl_context=ssl_context, stream=stream
        )
        # The good-bye must still go out while everything around is being cancelled.
        self._scope = trio.CancelScope(shield=True)
        self._waiting: dict[object, trio.Event] = {}

    async def run(self) -> None:
        """Begin the first attempt, and drive the session until `stop`."""
        with self._scope:
            async with trio.open_nursery() as self._nursery:
                await self._driver.run(self._begin)

    def _begin(self) -> None:
        # Whoever was cancelled at once has closed it before it could begin.
        if self.session.state is SessionState.IDLE:
            self.do(self.begin)

    def stop(self) -> None:
        """End the driver, and with it every stream that is left."""
        self._scope.cancel()

    async def finish(self) -> None:
        """Wait until every stream of a closed session is gone, for a while."""
        with trio.move_on_after(self.close_timeout):
            await self._driver.finished.wait()

    @enable_ki_protection
    def do(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        """Give the session a command, and carry out what it wishes then."""
        try:
            return command(trio.current_time(), *arguments)
        finally:
            self._driver.kick()

    @enable_ki_protection
    def do_soon(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        """Give the session a command, and carry out what it wishes at the next checkpoint."""
        try:
            return command(trio.current_time(), *arguments)
        finally:
            self._driver.kick_soon()

    @enable_ki_protection
    def take(self, subscription: Subscription) -> Delivery | None:
        """Take the oldest message that waits."""
        delivery = self.session.take(subscription, trio.current_time())
        if self.session.wants_look():
            self._driver.kick()
        return delivery

    def _hear(self, event: SessionEvent) -> None:
        if isinstance(event, Changed):
            self._wake(event.subject)
        elif isinstance(event, CredentialsWanted):
            self._nursery.start_soon(self._answer)
        else:
            for follower in self.tell(event):
                self._wake(follower)

    async def _answer(self) -> None:
        assert self._credentials is not None, "only then they are asked for"
        try:
            self.answer(await self._credentials())
        except Exception as error:  # whatever the application's function raises is a failed attempt
            self.answer(error)

    def _wake(self, subject: object) -> None:
        event = self._waiting.pop(subject, None)
        if event is not None:
            event.set()

    async def change(self, subject: object) -> None:
        """Wait for a change of `subject`."""
        await self._waiting.setdefault(subject, trio.Event()).wait()
        self._driver.fresh = True

    async def rest(self) -> None:
        """Let others run."""
        self._driver.kick()
        await trio.lowlevel.checkpoint()
