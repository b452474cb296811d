"""The half of every call that never waits: arguments made ready, and one command to the session.

An adapter adds its colour: how a command is carried out, and how somebody waits. This file must not know
loops, locks or clocks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, TypeVarTuple, Unpack

from ..errors import LocalProtocolError
from ..protocol.events import AckMode
from ..protocol.headers import HeaderPairs, Headers
from ..protocol.versions import Version
from ..session.content import MISSING, Content, content_of
from ..session.errors import ConnectionClosedOK
from ..session.lifeline import SessionState
from ..session.options import Credentials
from ..session.session import Transaction
from ..session.subscription import Delivery, OnExit, OverflowPolicy, Subscription
from ..session.tickets import Ticket
from .hurry import Hurried
from .keywords import ContentKeywords, SubscribeKeywords
from .lifecycle import Audience, Follower, LifeEvent, sentence
from .opening import Prepared

__all__ = [
    "STRIDE",
    "ClientCore",
    "RunnerCore",
    "RunnerT",
    "SubscriptionCore",
    "TransactionCore",
    "ready_content",
    "subscribing",
]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Octets, each message counted as a little more than its body, that may be sent without giving way to others:
# few enough for the reader not to starve, many enough for one write to carry them.
STRIDE = 32 * 1024
_EACH = 256

# Every so many messages that are sent without waiting are written at once.
_AT_ONCE = 256


class RunnerCore(Hurried, ABC):
    """Carries out commands to one session."""

    def __init__(self, prepared: Prepared) -> None:
        self.session = prepared.session
        self.machine = prepared.machine
        self.begin = prepared.begin
        self.max_queue = prepared.max_queue
        self.close_timeout = prepared.close_timeout
        self.outgoing = prepared.outgoing
        self.log = prepared.log
        self.audience = Audience()
        self.stride = 0
        """Octets that were sent since somebody gave way."""
        self.soon = 0
        """Messages that were sent without waiting for anything."""

    @abstractmethod
    def do(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        """Give the session a command now, and carry out what it wishes then. Never waits."""

    def tell(self, event: LifeEvent) -> list[Follower]:
        """Log what became of the connection, and tell who follows it; return whom to wake."""
        self.log.info(sentence(event))
        return self.audience.tell(event)

    def answer(self, credentials: Credentials | Exception) -> None:
        """Answer when credentials were asked for: with them, or with why there are none."""
        session = self.session
        if isinstance(credentials, Exception):
            return self.do(lambda now: session.credentials_failed(credentials, now))
        try:
            self.do(lambda now: session.provide_credentials(credentials, now))
        except LocalProtocolError as error:
            self.answer(error)

    @abstractmethod
    def take(self, subscription: Subscription) -> Delivery | None:
        """Take the oldest message that waits, and carry out what the session wishes then. Never waits."""

    def gives_way(self, octets: int = _EACH) -> bool:
        """Count what was said without waiting; tell whether it is time to give way to others."""
        self.stride += octets
        if self.stride < STRIDE:
            return False
        self.stride = 0
        return True

    def do_soon(self, command: Callable[[float, Unpack[Ts]], T], *arguments: *Ts) -> T:
        """Give the session a command, and carry out what it wishes before long: much is then written at
        once.
        """
        return self.do(command, *arguments)

    def intercepted(self, command: str, headers: HeaderPairs, *named: tuple[str, str]) -> HeaderPairs:
        """Return the headers of a frame with those that the interceptor adds. `named` are those which are
        arguments of their own.
        """
        if self.outgoing is None:
            return headers
        pairs = Headers(headers).pairs
        added = self.outgoing(command, Headers([*named, *pairs]))
        return [*pairs, *Headers(added).pairs]


RunnerT = TypeVar("RunnerT", bound=RunnerCore)


def ready_content(
    body: Content,
    *,
    json: Any = MISSING,
    content_type: str | None = None,
    headers: HeaderPairs = (),
    content_length: bool = True,
) -> tuple[bytes, str | None, HeaderPairs, bool]:
    """Make a message ready to be sent: octets, content-type, headers, and whether to say the length."""
    octets, content_type = content_of(body, json, content_type)
    return octets, content_type, headers, content_length


class ClientCore(Generic[RunnerT]):
    """What a client of any colour is made of."""

    def __init__(self, runner: RunnerT) -> None:
        self._runner = runner

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._runner.session.connected is not None

    @property
    def ended(self) -> bool:
        """Whether there will be no connection any more: it was closed, or has failed for good."""
        return self._runner.session.state is SessionState.ENDED

    @property
    def version(self) -> Version | None:
        """The version of STOMP that is spoken now; None while there is no connection."""
        connected = self._runner.session.connected
        return None if connected is None else connected.version

    @property
    def server(self) -> str | None:
        """What the server calls itself; None while there is no connection, or if it does not say."""
        connected = self._runner.session.connected
        return None if connected is None else connected.server

    def __repr__(self) -> str:
        return f"<Client of {self._runner.session!r}>"

    def send_soon(self, destination: str, body: Content = b"", **content: Unpack[ContentKeywords]) -> Ticket:
        """Send a message to be confirmed, and return its ticket at once: pass it to `settled` later.

        The keywords are those of `send`. Never waits, and so slows nobody down who sends faster than the
        server takes: beyond the outbox's room messages wait in memory, each for `receipt_timeout` at most.

        Raises:
            LocalProtocolError: it cannot be represented.
            ConnectionClosed: the session is over.
        """
        runner = self._runner
        runner.soon += 1
        # Now and then at once: so the server has something to do while a program goes on without waiting.
        do = runner.do_soon if runner.soon % _AT_ONCE else runner.do
        ticket = self._send(destination, body, True, False, content, do)
        assert ticket is not None, "what is to be confirmed has one"
        return ticket

    def _sent(self, destination: str, body: Content, content: ContentKeywords) -> bool:
        """Send a message of which nothing more will be heard, if that is certain to be possible at once;
        count it, and tell whether it was sent.
        """
        runner, octets, content_type = self._runner, body, None
        if runner.outgoing is not None:
            return False
        if content or type(octets) is not bytes:
            octets, content_type, headers, content_length = ready_content(body, **content)
            if headers or not content_length:
                return False
        if not runner.do_soon(runner.session.send_at_once, destination, octets, content_type):
            return False
        runner.stride += len(octets) + _EACH
        return True

    def _send(
        self,
        destination: str,
        body: Content,
        receipt: bool,
        wait: bool,
        content: ContentKeywords,
        do: Callable[[Callable[[float], Ticket | None]], Ticket | None] | None = None,
    ) -> Ticket | None:
        runner = self._runner
        if do is None:
            # Whoever waits for an answer wants it written now; others may be written together.
            do = runner.do if receipt else runner.do_soon
        octets, content_type, headers, content_length = ready_content(body, **content)
        if runner.outgoing is not None:
            headers = runner.intercepted("SEND", headers, ("destination", destination))
        runner.stride += len(octets)
        return do(
            lambda now: runner.session.send(
                destination,
                octets,
                headers=headers,
                content_type=content_type,
                confirm=receipt,
                wait=wait,
                content_length=content_length,
                now=now,
            )
        )

    def _request(
        self, destination: str, body: Content, timeout: float | None, content: ContentKeywords
    ) -> Ticket:
        runner = self._runner
        octets, content_type, headers, content_length = ready_content(body, **content)
        if runner.outgoing is not None:
            headers = runner.intercepted("SEND", headers, ("destination", destination))
        return runner.do(
            lambda now: runner.session.request(
                destination,
                octets,
                headers=headers,
                content_type=content_type,
                content_length=content_length,
                timeout=timeout,
                now=now,
            )
        )

    def _check_concurrency(self, how: SubscribeKeywords, concurrency: int) -> None:
        """Refuse what would acknowledge messages that are still in work."""
        if concurrency < 1:
            raise ValueError(f"concurrency is {concurrency}: at least one handler must run")
        if concurrency > 1 and AckMode(how.get("ack", AckMode.CLIENT_INDIVIDUAL)) is AckMode.CLIENT:
            raise ValueError(
                "concurrency with ack='client': an ack covers messages still in work; use 'client-individual'"
            )

    @contextmanager
    def _begun(self, headers: HeaderPairs) -> Generator[Transaction]:
        """Begin a transaction, and abort it if the block raises."""
        runner = self._runner
        headers = runner.intercepted("BEGIN", headers)
        inner = runner.do(lambda now: runner.session.begin(headers=headers, now=now))
        try:
            yield inner
        except BaseException:
            runner.do(lambda now: runner.session.abort(inner, now=now))
            raise

    def _commit(self, inner: Transaction) -> Ticket:
        return self._runner.do(lambda now: self._runner.session.commit(inner, now=now))


class TransactionCore(Generic[RunnerT]):
    """What a transaction of any colour is made of."""

    def __init__(self, runner: RunnerT, inner: Transaction) -> None:
        self._runner = runner
        self.inner = inner
        """The session's own transaction."""

    def _send(self, destination: str, body: Content, content: ContentKeywords) -> Ticket | None:
        """Send; return what to wait for when the server reads too slowly, or None."""
        runner = self._runner
        octets, content_type, headers, content_length = ready_content(body, **content)
        if runner.outgoing is not None:
            headers = runner.intercepted("SEND", headers, ("destination", destination))
        return runner.do(
            lambda now: runner.session.send_in(
                self.inner,
                destination,
                octets,
                headers=headers,
                content_type=content_type,
                content_length=content_length,
                now=now,
            )
        )


MessageT = TypeVar("MessageT")


class SubscriptionCore(Generic[RunnerT, MessageT]):
    """What a subscription of any colour is made of."""

    def __init__(
        self,
        runner: RunnerT,
        message: Callable[[RunnerT, Delivery], MessageT],
        destination: str,
        keywords: SubscribeKeywords,
    ) -> None:
        self._runner = runner
        self._message = message
        self._subscribe = subscribing(runner, destination, **keywords)
        self._inner: Subscription | None = None

    @property
    def dropped(self) -> int:
        """How many messages the overflow policy has dropped."""
        return self._entered.dropped

    @property
    def _entered(self) -> Subscription:
        if self._inner is None:
            raise RuntimeError("the subscription was not entered: with client.subscribe(...) as messages")
        return self._inner

    def _enter(self) -> None:
        if self._inner is not None:
            raise RuntimeError("the subscription was entered before: call client.subscribe(...) again")
        self._inner = self._runner.do(self._subscribe)

    @property
    def due(self) -> bool:
        """Whether a message waits to be taken, or none will come any more."""
        return bool(self._entered.queue) or self._entered.ended

    def raise_ending(self) -> None:
        """Return while more may come.

        Raises:
            Exception: why nothing more will come.
        """
        inner = self._entered
        if inner.ended:
            raise inner.error or ConnectionClosedOK("the subscription has ended")

    def _leave(self, headers: HeaderPairs = ()) -> None:
        runner, inner = self._runner, self._entered
        if not inner.ended or inner.withheld:
            headers = runner.intercepted("UNSUBSCRIBE", headers, ("id", inner.id))
        runner.do(lambda now: runner.session.unsubscribe(inner, headers=headers, now=now))

    def receive_nowait(self) -> MessageT | None:
        """Take the oldest message that waits, or return None. Never waits."""
        return self._take(self._entered)

    def _take(self, inner: Subscription) -> MessageT | None:
        runner = self._runner
        delivery = runner.take(inner)
        return None if delivery is None else self._message(runner, delivery)


def subscribing(
    runner: RunnerCore,
    destination: str,
    *,
    ack: AckMode | str = AckMode.AUTO,
    id: str | None = None,
    headers: HeaderPairs = (),
    max_queue: int | None = None,
    overflow: OverflowPolicy | str = OverflowPolicy.PAUSE,
    on_exit: OnExit | str = OnExit.UNSUBSCRIBE,
) -> Callable[[float], Subscription]:
    """Return the command that subscribes.

    Raises:
        ValueError: a keyword has a value that makes no sense; it is told before anything is sent.
    """
    mode, policy, leaving = AckMode(ack), OverflowPolicy(overflow), OnExit(on_exit)
    room = runner.max_queue if max_queue is None else max_queue
    if room < 1:
        raise ValueError(f"max_queue is {room}: at least one message must have room to wait")
    pairs = Headers(headers).pairs

    def subscribe(now: float) -> Subscription:
        return runner.session.subscribe(
            destination,
            ack=mode,
            id=id,
            headers=runner.intercepted("SUBSCRIBE", pairs, ("destination", destination)),
            max_queue=room,
            overflow=policy,
            on_exit=leaving,
            now=now,
        )

    return subscribe
