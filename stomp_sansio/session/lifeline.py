"""The way to a server, again and again: attempts, links, streams, and when to try next.

What lives here is the life cycle up to an established connection, and from its loss to the next one. This
file must not know messages, subscriptions or tickets.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from enum import Enum

from ..links.link import WAITS, Link, LinkClosed, Phase
from ..machine import OpenStream, StreamAction, StreamId, StreamLoss
from ..protocol.connection import Connection
from ..protocol.deadlines import Deadlines, earlier
from ..protocol.events import Closed, CloseReason
from .epoch import Epoch
from .events import CredentialsWanted, Interrupted, SessionEvent
from .failures import Failure, Witness, secrets_of
from .options import Credentials, SessionOptions, Target
from .saying import say_connect

__all__ = ["Lifeline", "SessionState"]


class SessionState(Enum):
    """Where a session is in its life."""

    IDLE = "idle"
    OPENING = "opening"
    """A link is being opened, or credentials are awaited."""
    GREETING = "greeting"
    """CONNECT is on its way."""
    READY = "ready"
    WAITING = "waiting"
    """Between two attempts."""
    CLOSING = "closing"
    """DISCONNECT is on its way."""
    ENDED = "ended"


class _When(Enum):
    OPEN = "when an attempt has taken too long"
    RETRY = "when to try again"
    CLOSE = "when the good-bye has taken too long"


class Lifeline:
    """One way to one of several servers, made anew whenever it breaks."""

    __slots__ = (
        "_attempts",
        "_called",
        "_credentials",
        "_deadlines",
        "_epochs",
        "_failures",
        "_jitter",
        "_links",
        "_observe",
        "_options",
        "_ready_at",
        "_report",
        "_stream_ids",
        "_target",
        "_tried",
        "_was_ready",
        "actions",
        "carries",
        "epoch",
        "passage",
        "state",
        "stirred",
        "streams",
        "touched",
    )

    def __init__(
        self,
        options: SessionOptions,
        jitter: Callable[[], float],
        observe: Callable[[bytes], None] | None,
        report: Callable[[SessionEvent], None],
    ) -> None:
        """`report` is told what the application may want to know."""
        self.state = SessionState.IDLE
        self.epoch: Epoch | None = None
        """The present attempt, or the connection that came of it."""
        self.actions: deque[StreamAction] = deque()
        self.touched: dict[StreamId, None] = {}
        """Streams that the driver should look at."""
        self._called: Epoch | None = None  # whose writer comes for more as soon as the driver has looked
        self.passage: StreamId | None = None
        """The stream that carries the present connection's octets as they are, since one last looked."""
        self.stirred = True
        """Whether, since one asked, the deadline may have become earlier, or work been left over."""
        self._options = options
        self._jitter = jitter
        self._observe = observe
        self._report = report
        self._credentials = options.credentials
        carriers = tuple(target.carries for target in options.targets)
        self.carries: Callable[[bytes], bool] = (
            carriers[0] if len(carriers) == 1 else lambda body: all(carries(body) for carries in carriers)
        )
        """Whether every transport to every server can carry a body: any of them may be the next."""
        self._epochs = self._attempts = self._failures = 0
        self._target = 0
        # How many servers were tried since one of them answered, or since the last wait.
        self._tried = 0
        self._was_ready = False
        self._ready_at = 0.0
        self._stream_ids = map(StreamId, itertools.count(1))
        self._links: list[Link] = []
        self.streams: dict[StreamId, Link] = {}
        """The link that each stream belongs to."""
        self._deadlines: Deadlines[_When] = Deadlines()
        self._check(options.credentials)

    @property
    def established(self) -> Epoch | None:
        """The present connection, if there is one that frames can be sent on."""
        epoch = self.epoch
        return epoch if self.state is SessionState.READY and epoch is not None and epoch.established else None

    @property
    def finished(self) -> bool:
        """Whether every stream is gone."""
        return not self.streams

    @property
    def endpoint(self) -> str:
        """What to call the present server."""
        return self._options.targets[self._target].name

    @property
    def witness(self) -> Witness:
        """Who says what failures of the present server mean."""
        target = self._options.targets[self._target]
        return Witness(target.name, secrets_of(self._credentials, target))

    # Attempts

    def attempt(self, now: float) -> Failure | None:
        """Try the present server; return why that failed, if it did at once."""
        self._attempts += 1
        self._tried += 1
        self.state = SessionState.OPENING
        self._deadlines.set(_When.OPEN, now + self._options.open_timeout)
        if self._options.ask_credentials:
            self._report(CredentialsWanted(self._attempts))
            return None
        return self._open(now)

    @property
    def wants_credentials(self) -> bool:
        """Whether an attempt waits for credentials."""
        return self.state is SessionState.OPENING and self.epoch is None

    def provide_credentials(self, credentials: Credentials, now: float) -> Failure | None:
        """Go on with the attempt that waits for credentials; return why it failed, if it did at once."""
        self._check(credentials)
        if not self.wants_credentials:
            return None
        self._credentials = credentials
        return self._open(now)

    def _open(self, now: float) -> Failure | None:
        options, credentials = self._options, self._credentials
        target = options.targets[self._target]
        try:
            link = target.make_link(self._stream_ids, credentials)
        except Exception as error:
            # Whatever it is that cannot be made of these options, it could not be made the next time either.
            return Failure(error, retry=False)
        self._epochs += 1
        connection = Connection(versions=options.versions, heartbeat=options.heartbeat, limits=options.limits)
        self.epoch = Epoch(
            self._epochs,
            link,
            connection,
            lambda fresh: self._greet(fresh, credentials, target),
            self._observe,
        )
        self._links.append(link)
        link.start(now)
        return None

    def _greet(self, connection: Connection, credentials: Credentials, target: Target) -> None:
        say_connect(connection, credentials, target)
        self.state = SessionState.GREETING

    def _check(self, credentials: Credentials) -> None:
        """Raise now what could not be said later."""
        for target in self._options.targets:
            say_connect(Connection(versions=self._options.versions), credentials, target)

    def ready(self, now: float) -> None:
        """Note that the server has accepted the connection."""
        self.state = SessionState.READY
        self._was_ready = True
        self._ready_at = now
        self._tried = 0
        self._deadlines.clear()

    def say_goodbye(self, receipt: str, now: float) -> None:
        """Send DISCONNECT on the present connection, and give the server some time to answer."""
        assert self.epoch is not None, "only asked while established"
        self.epoch.connection.disconnect(receipt=receipt)
        self.state = SessionState.CLOSING
        self._deadlines.set(_When.CLOSE, now + self._options.close_timeout)

    # Failures

    def failure(self, closed: Closed) -> Failure:
        """Return what the end of the present connection means."""
        epoch, witness = self.epoch, self.witness
        assert epoch is not None, "what has ended was there"
        link = epoch.link_closed
        if epoch.connected is not None:
            return witness.connection_ended(closed, epoch.error, link)
        if epoch.error is not None:
            return witness.refused(epoch.error)
        if epoch.transport is None and link is not None:
            return witness.link_failed(link)
        return witness.not_greeted(closed, link, epoch.first_octets)

    def fail(self, failure: Failure, now: float) -> Exception | None:
        """Let go of the present attempt or connection and arrange the next one; return the error that ends
        the session, if there will be no next one.
        """
        options, backoff, epoch = self._options, self._options.reconnect, self.epoch
        lasted = epoch is not None and epoch.connected is not None
        self.let_go(now)
        retry = failure.retry
        if options.should_retry is not None:
            try:
                retry = options.should_retry(failure.error, retry)
            except Exception as error:
                return error
        if not retry or (backoff is None and lasted):
            return failure.error
        number = epoch.number if epoch is not None else self._epochs
        if not lasted:
            self._target = (self._target + 1) % len(options.targets)
            if self._tried < len(options.targets):
                # Another server: no reason to wait for it.
                self._report(Interrupted(number, failure.error, 0.0))
                another = self.attempt(now)
                return None if another is None else self.fail(another, now)
        if backoff is None or not (self._was_ready or options.retry_first):
            return failure.error
        if lasted and now - self._ready_at >= backoff.stable:
            self._failures = 0
        self._failures += 1
        self._tried = 0
        delay = backoff.delay(self._failures, self._jitter)
        self._report(Interrupted(number, failure.error, delay))
        self.state = SessionState.WAITING
        self._deadlines.set(_When.RETRY, now + delay)
        return None

    def let_go(self, now: float) -> None:
        """Part with the present link: in order if it may still hear us, else at once."""
        epoch, self.epoch, self.passage = self.epoch, None, None
        self._deadlines.clear()
        if epoch is None:
            return
        if epoch.link_closed is not None:
            self._links.remove(epoch.link)
            return
        epoch.fill(now)
        silent = epoch.closed is not None and epoch.closed.reason is CloseReason.HEARTBEAT_TIMEOUT
        if silent or epoch.transport is None:
            epoch.link.abort(now)
        else:
            # CONNECT may be half written: its rest goes first.
            epoch.link.close(now)

    # Time

    def handle_timeout(self, now: float) -> Failure | None:
        """Do what is due; return the failure of an attempt, or of a good-bye, that took too long."""
        failure = None
        while (when := self._deadlines.pop_due(now)) is not None:
            if when is _When.RETRY:
                failure = self.attempt(now)
            else:
                failure = self._took_too_long(now)
        if self.epoch is not None:
            self.epoch.connection.handle_timeout(now)
        for link in self._links:
            link.handle_timeout(now)
        return failure

    def _took_too_long(self, now: float) -> Failure:
        if self.epoch is None:
            phase, waited_for = Phase.TCP, "the credentials did not come"
        else:
            phase = self.epoch.link.phase if self.epoch.transport is None else Phase.CONNECT
            waited_for = WAITS[phase]
            # Its time is over: nothing more is written, and nobody waits for the transport's good-bye.
            self.epoch.link.abort(now)
        return self.witness.timed_out(waited_for, phase, self._options.open_timeout)

    def next_deadline(self) -> float | None:
        """Return when `handle_timeout` is wanted, or None."""
        soonest = self._deadlines.soonest
        if self.passage is None or len(self._links) > 1:
            # A plain stream waits for nothing while it is open.
            for link in self._links:
                soonest = earlier(soonest, link.next_deadline())
        connection = None if self.epoch is None else self.epoch.connection
        # A heart that has not begun to beat does so when what waits is taken.
        self.stirred = connection is not None and connection.unsent > 0
        deadline = None if connection is None else connection.next_deadline()
        return soonest if deadline is None else earlier(soonest, deadline)

    def wants_run(self) -> bool:
        """Tell whether a link has work left over."""
        if self.passage is not None and len(self._links) == 1:
            return False  # a plain stream has nothing that could be left over
        return any(link.wants_run() for link in self._links)

    def run(self, now: float) -> None:
        """Let the links go on with their work."""
        for link in self._links:
            link.run(now)

    # Streams

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> bool:
        """Pass on octets that came; return whether a link had a part in it, and may wish something."""
        epoch = self.epoch
        if epoch is not None and self.passage == stream:
            epoch.connection.receive_data(data, now)
            return False
        self.streams[stream].receive_data(stream, data, now)
        return True

    def listen(self, now: float) -> bool:
        """Move the next thing that the present link has to say into its connection; return whether there was
        one.
        """
        return self.epoch is not None and self.epoch.listen(now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str) -> None:
        """Pass on the end of a stream."""
        self.touched.pop(stream, None)
        self.streams.pop(stream).stream_lost(stream, why, now, detail)

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int) -> bytes:
        """Hand over the next octets of a stream."""
        epoch = self.epoch
        if epoch is not None and self.passage == stream:
            return epoch.connection.data_to_send(now, max_bytes)
        link, self.stirred = self.streams[stream], True
        if epoch is not None and epoch.link is link:
            epoch.fill(now)
        octets = link.data_to_send(stream, now, max_bytes)
        if octets:
            # A link may go on with what it wanted to say next.
            self.settle(now)
        return octets

    def flush(self, now: float) -> None:
        """Wake the writer for what the connection has to say; one that writes comes for more by itself."""
        epoch = self.epoch
        if epoch is None or epoch is self._called:
            return
        if self.passage is not None:
            self.touched[self.passage] = None
            self._called = epoch
        elif not epoch.link.unsent:
            self.settle(now)
            if self.touched:
                self._called = epoch

    def settle(self, now: float) -> None:
        """Move what the connection has to say to its link; collect what the links wish and have to write."""
        self.stirred, epoch = True, self.epoch
        passage = self.passage = None if epoch is None else epoch.passage
        if epoch is not None and epoch.connection.unsent:
            if passage is None:
                epoch.fill(now)
            else:
                self.touched[passage] = None
        for link in tuple(self._links):
            while (action := link.next_action()) is not None:
                if isinstance(action, OpenStream):
                    self.streams[action.stream] = link
                self.actions.append(action)
            for stream in link.changed_streams():
                self.touched[stream] = None
            if epoch is None or link is not epoch.link:
                # Nobody listens to a link that was let go; it only has to end.
                while (event := link.next_event()) is not None:
                    if isinstance(event, LinkClosed):
                        self._links.remove(link)

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams to look at."""
        if not self.touched:
            return []
        self._called = None
        touched = list(self.touched)
        self.touched.clear()
        return touched
