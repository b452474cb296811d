"""What a client, its subscriptions and its messages share: a session, its driver, and a way to wait.

What lives here knows trio's events; it must not know what anybody waits for.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

import trio

from stomp_sansio.session.events import Changed, SessionEvent
from stomp_sansio.session.session import Session
from stomp_sansio.session.tickets import Ticket

from ._driver import Driver

__all__ = ["Runner"]


class Runner:
    """Runs one session in a nursery."""

    def __init__(self, session: Session, on_event: Callable[[SessionEvent], None]) -> None:
        """`on_event` is told every event but `Changed`."""
        self.session = session
        self._on_event = on_event
        self._waiting: dict[object, trio.Event] = {}

    def start(
        self, nursery: trio.Nursery, ssl_context: ssl.SSLContext | None, stream: trio.abc.Stream | None
    ) -> None:
        """Begin the first attempt, in a nursery that lives as long as the session."""
        self.nursery = nursery
        self._driver: Driver[SessionEvent] = Driver(
            self.session, nursery, self._hear, ssl_context=ssl_context, stream=stream
        )
        self.session.start(trio.current_time())
        self.kick()

    def kick(self) -> None:
        """Carry out what the last command wished. Never waits."""
        self._driver.kick()

    async def finish(self, seconds: float) -> None:
        """Wait until every stream of a closed session is gone, but no longer than some seconds; then end the
        driver.
        """
        with trio.move_on_after(seconds):
            await self._driver.finished.wait()
        self.nursery.cancel_scope.cancel()

    def _hear(self, event: SessionEvent) -> None:
        if isinstance(event, Changed):
            self.wake(event.subject)
        else:
            self._on_event(event)

    def wake(self, subject: object) -> None:
        """Let everybody who waits for a change of `subject` look again."""
        event = self._waiting.pop(subject, None)
        if event is not None:
            event.set()

    async def change(self, subject: object) -> None:
        """Wait for a change of `subject`."""
        await self._waiting.setdefault(subject, trio.Event()).wait()

    async def settle(self, ticket: Ticket | None) -> None:
        """Carry out the last command and wait for its ticket. Cancelling stops the waiting, never what it
        stands for.

        A checkpoint always.
        """
        self.kick()
        if ticket is None or ticket.outcome is not None:
            await trio.lowlevel.checkpoint()
        while ticket is not None and ticket.outcome is None:
            await self.change(ticket)
        if ticket is not None:
            ticket.result()
