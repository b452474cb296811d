"""What a client, its subscriptions and its messages share: a session, its driver, and a way to wait.

What lives here knows asyncio's futures; it must not know what anybody waits for.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Unpack

from stomp_sansio.client.awaiting import AwaitingRunner
from stomp_sansio.client.core import T, Ts
from stomp_sansio.client.opening import Prepared
from stomp_sansio.session.events import Changed, CredentialsWanted, SessionEvent
from stomp_sansio.session.options import Credentials
from stomp_sansio.session.subscription import Delivery, Subscription

from ._driver import Driver

__all__ = ["CredentialsHook", "Runner", "logger"]

CredentialsHook = Callable[[], Awaitable[Credentials]]

logger = logging.getLogger("stomp_asyncio")


class Runner(AwaitingRunner):
    """Runs one session in the running loop."""

    def __init__(
        self,
        prepared: Prepared,
        credentials: CredentialsHook | None,
        ssl_context: ssl.SSLContext | None,
        sock: socket.socket | None,
    ) -> None:
        super().__init__(prepared)
        self._credentials = credentials
        self._ssl_context = ssl_context
        self._sock = sock
        self._answering: asyncio.Task[None] | None = None
        self._waiting: dict[object, dict[asyncio.Future[None], None]] = {}

    def start(self) -> None:
        """Begin the first attempt."""
        self._loop = asyncio.get_running_loop()
        self._driver: Driver[SessionEvent] = Driver(
            self.machine,
            self._hear,
            ssl_context=self._ssl_context,
            sock=self._sock,
            on_failure=self._wake_all,
        )
        self.do(self.begin)

    async def finish(self) -> None:
        """Wait until every stream of a closed session is gone; cut those that take too long."""
        try:
            async with asyncio.timeout(self.close_timeout):
                await self._driver.finished.wait()
        except TimeoutError:
            pass
        finally:
            self._driver.stop()
            if self._answering is not None:
                self._answering.cancel()
        # What was cut is gone in the next turn of the loop.
        await self._driver.finished.wait()

    def do(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        """Give the session a command, and carry out what it wishes then."""
        try:
            return command(self._driver.now(), *arguments)
        finally:
            self._driver.turn()

    def do_soon(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        """Give the session a command, and carry out what it wishes in the loop's next turn."""
        try:
            return command(self._driver.now(), *arguments)
        finally:
            self._driver.kick()

    def take(self, subscription: Subscription) -> Delivery | None:
        """Take the oldest message that waits."""
        delivery = self.session.take(subscription, self._driver.now())
        if self.session.wants_look():
            self._driver.kick()
        return delivery

    def _hear(self, event: SessionEvent) -> None:
        if isinstance(event, Changed):
            self._wake(event.subject)
        elif isinstance(event, CredentialsWanted):
            self._answering = self._loop.create_task(self._answer())
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
        for future in self._waiting.pop(subject, ()):
            if not future.done():
                future.set_result(None)

    def _wake_all(self) -> None:
        for subject in list(self._waiting):
            self._wake(subject)

    async def change(self, subject: object) -> None:
        """Wait for a change of `subject`."""
        self._driver.check()
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.setdefault(subject, {})[future] = None
        try:
            await future
        except BaseException:
            # Who gives up waiting leaves nothing behind.
            waiting = self._waiting.get(subject, {})
            waiting.pop(future, None)
            if not waiting:
                self._waiting.pop(subject, None)
            raise
        self._driver.fresh = True

    async def rest(self) -> None:
        """Let others run."""
        await asyncio.sleep(0)
