"""What a client, its subscriptions and its messages share: a session, its driver, and a way to wait.

What lives here knows threads; it must not know what anybody waits for.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, Unpack

from stomp_sansio.client.opening import Prepared
from stomp_sansio.client.waiting import WaitingRunner
from stomp_sansio.session.events import Changed, CredentialsWanted, SessionEvent
from stomp_sansio.session.options import Credentials
from stomp_sansio.session.subscription import Delivery, Subscription

from ._driver import Driver

__all__ = ["CredentialsHook", "Runner", "logger"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
CredentialsHook = Callable[[], Credentials]

logger = logging.getLogger("stomp_blocking")


class Runner(WaitingRunner):
    """Runs one session, in a thread of its own, or in the threads that wait."""

    def __init__(
        self,
        prepared: Prepared,
        credentials: CredentialsHook | None,
        ssl_context: ssl.SSLContext | None,
        sock: socket.socket | None,
        threaded: bool,
    ) -> None:
        super().__init__(prepared)
        self._credentials = credentials
        self._asked = False
        self._driver: Driver[SessionEvent] = Driver(
            self.machine, self._hear, ssl_context=ssl_context, sock=sock
        )
        self._changed = threading.Condition(self._driver.lock)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        # Without a thread, whoever gives a command carries it out.
        self._go_on = self._driver.write if threaded else self._driver.turn
        # Whether somebody has just been woken: what is commanded first then is not followed by more.
        self._fresh = not threaded
        if threaded:
            self._thread = threading.Thread(target=self._drive, name="stomp_blocking", daemon=True)

    def start(self) -> None:
        """Begin the first attempt."""
        self.do(self.begin)
        if self._thread is not None:
            self._thread.start()

    def finish(self) -> None:
        """Wait until every stream of a closed session is gone; cut those that take too long."""
        try:
            self.wait(lambda: self.session.finished, self.close_timeout)
        finally:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._driver.kick()
                thread.join()
            self._driver.close()

    def _drive(self) -> None:
        try:
            while self._thread is not None and not self.session.finished:
                self.step(None)
        except BaseException as error:
            self._failure = error
            raise
        finally:
            # Nobody waits for a thread that is no more.
            with self._changed:
                self._changed.notify_all()

    def step(self, timeout: float | None) -> None:
        """Do what is due, after waiting for that some seconds at most."""
        self._driver.step(timeout)
        if self._asked and self._credentials is not None:
            self._asked = False
            try:
                self.answer(self._credentials())
            except Exception as error:  # whatever the application's function raises is a failed attempt
                self.answer(error)

    def now(self) -> float:
        """Return the present instant."""
        return time.monotonic()

    def locked(self) -> threading.Condition:
        """Keep other threads out."""
        return self._changed

    def changed(self) -> None:
        """Let everybody who waits look again."""
        self._changed.notify_all()

    def do_soon(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        """Give the session a command; what it wishes then, the driver's thread carries out, unless whoever
        commands has just been woken: more often than not he answers, and waits again.
        """
        with self._changed:
            try:
                return command(time.monotonic(), *arguments)
            finally:
                if self._fresh:
                    self._fresh = self._thread is None
                    self._go_on()
                else:
                    self._driver.kick()

    def do(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        """Give the session a command, and carry out what it wishes then."""
        with self._changed:
            try:
                return command(time.monotonic(), *arguments)
            finally:
                self._go_on()

    def take(self, subscription: Subscription) -> Delivery | None:
        """Take the oldest message that waits."""
        with self._changed:
            delivery = self.session.take(subscription, time.monotonic())
            if self.session.wants_look:
                self._go_on()
            return delivery

    def _hear(self, event: SessionEvent) -> None:
        if isinstance(event, CredentialsWanted):
            self._asked = True
        elif not isinstance(event, Changed):
            self.tell(event)
        if self._asked or self._thread is None:
            # The step that brings it must not go on to wait for something else.
            self._driver.kick()
        self._changed.notify_all()

    def wait(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        """Wait until something holds, no longer than some seconds; return whether it does."""
        if self._thread is threading.current_thread():
            raise RuntimeError("this is called by the thread that everybody waits for: it must not wait")
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not ready():
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    return False
                if self._failure is not None:
                    raise RuntimeError("the driver has failed: nothing goes on") from self._failure
                if self._thread is not None:
                    self._changed.wait(left)
                    self._fresh = True
                else:
                    self.step(left)
        return True

    def pump(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until something holds, or has happened if nobody else makes it happen."""
        if self._thread is None:
            self.step(timeout)
        else:
            self.wait(ready, timeout)
