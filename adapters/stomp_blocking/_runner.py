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
from typing import Unpack

from stomp_sansio.client.core import T, Ts
from stomp_sansio.client.opening import Prepared
from stomp_sansio.client.waiting import WaitingRunner
from stomp_sansio.client.whole import Sleepers
from stomp_sansio.session.events import Changed, CredentialsWanted, SessionEvent
from stomp_sansio.session.options import Credentials
from stomp_sansio.session.subscription import Delivery, Subscription

from ._driver import Driver

__all__ = ["CredentialsHook", "Runner", "logger"]

CredentialsHook = Callable[[], Credentials]

logger = logging.getLogger("stomp_blocking")


class Runner(WaitingRunner):
    """Runs one session, in a thread of its own, or in the threads that wait."""

    def __init__(
        self,
        prepared: Prepared,
        credentials: CredentialsHook | None,
        context: ssl.SSLContext | None,
        sock: socket.socket | None,
        threaded: bool,
    ) -> None:
        super().__init__(prepared)
        self._credentials = credentials
        self._asked = False
        self._driver: Driver[SessionEvent] = Driver(self.machine, self._hear, ssl_context=context, sock=sock)
        self._lock, self._whole = self._driver.lock, self._driver.whole
        # Whoever waits sleeps on a lock of his own, and nobody else's: Ctrl-C then finds nothing half done.
        self._sleepers = Sleepers()
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
        if self._thread is not None:
            self._thread.start()
        self.do(self.begin)

    def finish(self) -> None:
        """Wait until every stream of a closed session is gone; cut those that take too long."""
        try:
            self.wait(lambda: self.session.finished, self.close_timeout)
        finally:
            # Another one in its place: who waits in a thread of his own must not begin to move octets now.
            thread, self._thread = self._thread, self._thread and threading.Thread()
            if thread is not None and thread.is_alive():
                self._driver.kick()
                thread.join()
            self._driver.close()

    def _drive(self) -> None:
        try:
            while self._thread is threading.current_thread() and not self.session.finished:
                self.step(None)
        except BaseException as error:
            self._failure = error
            raise
        finally:
            # Nobody waits for a thread that is no more.
            with self._lock:
                self.changed()

    def step(self, timeout: float | None) -> None:
        """Do what is due, after waiting for that some seconds at most."""
        self._driver.step(timeout)
        if self._asked and self._credentials is not None:
            self._asked = False
            self.ask(self._credentials)

    def now(self) -> float:
        """Return the present instant."""
        return time.monotonic()

    def locked(self) -> threading.RLock:
        """Keep other threads out."""
        return self._lock

    def changed(self) -> None:
        """Let everybody who waits look again."""
        self._sleepers.wake()

    def do_soon(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        """Give the session a command; what it wishes then, the driver's thread carries out, unless whoever
        commands has just been woken: more often than not he answers, and waits again.
        """
        with self._lock, self._whole:
            result = command(time.monotonic(), *arguments)
            fresh, self._fresh = self._fresh, self._thread is None
            (self._go_on if fresh else self._driver.kick)()
            return result

    def do(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        """Give the session a command, and carry out what it wishes then."""
        with self._lock, self._whole:
            result = command(time.monotonic(), *arguments)
            self._go_on()
            return result

    def take(self, subscription: Subscription) -> Delivery | None:
        """Take the oldest message that waits."""
        with self._lock, self._whole:
            delivery = self.session.take(subscription, time.monotonic())
            if self.session.wants_look():
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
        self.changed()

    def wait(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        """Wait until something holds, no longer than some seconds; return whether it does."""
        if self._thread is threading.current_thread():
            raise RuntimeError("this is called by the thread that everybody waits for: it must not wait")
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._lock:
                if ready():
                    return True
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    return False
                if self._failure is not None:
                    raise RuntimeError("the driver has failed: nothing goes on") from self._failure
                sleeper = self._sleepers.add(threading.Lock())
            if self._thread is None:
                self.step(left)
            else:
                self._fresh = sleeper.acquire(timeout=-1 if left is None else left)

    def pump(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until something holds, or has happened if nobody else makes it happen."""
        if self._thread is None:
            self.step(timeout)
        else:
            self.wait(ready, timeout)
