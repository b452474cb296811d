"""`Broker`: a machine that lets clients come and go, reads what they say in turns, and has it answered.

It moves octets between connections and an entrance, and keeps time for both. This file must not know what a
frame means, nor any transport.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from ..links.peers import PeerClosed, PeerData, PeerId, PeerOpened
from ..machine import StreamAction, StreamId, StreamLoss, TLSInfo
from ..protocol.deadlines import earlier
from ..protocol.events import Closed, ConnectRequest, ServerEvent
from ..protocol.headers import HeaderPairs
from ..protocol.states import State
from .answering import admit, answer, ask_login
from .entrance import Entrance
from .events import BrokerEvent, ClientGone
from .exchange import Exchange
from .guests import Guests
from .options import BrokerOptions
from .peers import Peer
from .readers import Readers
from .statistics import Statistics, take_statistics
from .writers import Progress, Writers

__all__ = ["Broker"]

# Steps, each about one delivery or one frame read, that an input may take, and that `run` may: some 2 and 8
# milliseconds. Once there is work left over, inputs leave theirs to `run` as well.
_AT_ONCE = 256
_IN_A_RUN = 1_024
# Writers that are woken at a time: with trio each is a task, and all that can go on do so in one turn.
_WOKEN = 64
# While more work waits, writers are woken after so many runs: they have more to write at once.
_RUNS_UNWRITTEN = 4


class Broker:
    """A STOMP broker that keeps everything in memory: what it holds is gone when it ends.

    Drive it as any `Machine`. Take events with `next_event`; answer each `LoginAsked` with `accept` or
    `reject`. While `wants_run`, call `run`, with turns of readers and writers in between.
    """

    __slots__ = (
        "_closing_until",
        "_emptied",
        "_entrance",
        "_exchange",
        "_flushing",
        "_guests",
        "_left_over",
        "_options",
        "_readers",
        "_runs",
        "_shut_down",
        "_token",
        "_writers",
    )

    def __init__(
        self, entrance: Entrance, token: Callable[[], str], options: BrokerOptions | None = None
    ) -> None:
        """Make a broker without clients.

        `entrance` turns streams into peers: a `StreamEntrance`, or a `links.server.LinkServer`. `token`
        returns text that nobody can foresee and that never comes twice, as `lambda: secrets.token_hex(16)`
        does: it names sessions and reply addresses.
        """
        self._entrance = entrance
        self._token = token
        self._options = options or BrokerOptions()
        self._exchange = Exchange(self._options, token)
        self._guests = Guests()
        self._readers = Readers(entrance)
        self._writers = Writers(entrance, self._options)
        self._runs = 0
        self._left_over = self._flushing = self._shut_down = False
        self._closing_until: float | None = None
        self._emptied: StreamId | None = None  # by the last pull

    # Commands

    def accept(self, peer: PeerId, now: float, *, headers: HeaderPairs = ()) -> None:
        """Answer `LoginAsked`: let the client in. Harmless when it is gone meanwhile.

        `headers` go into CONNECTED, as `user-name` does.

        Raises:
            LocalProtocolError: a header cannot be represented. Nothing has changed.
        """
        client = self._guests.get(peer)
        if client is not None and client.request is not None:
            admit(self._exchange, client, client.request, self._token(), self._options.server, headers)
            client.request = None
            self._have_read(client)
            self._settle(now)

    def reject(self, peer: PeerId, now: float, message: str = "access refused", *, details: str = "") -> None:
        """Answer `LoginAsked`: refuse the client with an ERROR. Harmless when it is gone meanwhile.

        `message` and `details`, its body, should not tell whether the login or the passcode was wrong.
        """
        client = self._guests.get(peer)
        if client is not None and client.request is not None:
            client.request = None
            client.refuse(message, details)
            self._have_read(client)
            self._settle(now)

    def publish(
        self,
        destination: str,
        body: bytes,
        now: float,
        *,
        headers: HeaderPairs = (),
        vhost: str | None = None,
    ) -> None:
        """Send a message as the program that runs the broker.

        Raises:
            ValueError: there is no such destination or virtual host, or a limit is reached.
        """
        self._exchange.publish_own(destination, body, headers, vhost)
        self._settle(now)

    def expel(self, peer: PeerId, now: float, message: str, *, details: str = "") -> None:
        """Send a client an ERROR and end its connection. Harmless when it is gone."""
        client = self._guests.get(peer)
        if client is not None:
            client.refuse(message, details)
            self._have_read(client)
            self._settle(now)

    def drop(self, peer: PeerId, now: float) -> None:
        """End a client's connection at once, without a word. Harmless when it is gone."""
        client = self._guests.get(peer)
        if client is not None:
            self._drop(client, "the broker ended it", now)
            self._settle(now)

    def close(self, now: float) -> None:
        """Read no more, write what is queued, close every connection, and accept none: `finished` follows.

        Clients get no ERROR: those who reconnect do so elsewhere or later.
        """
        if self._closing_until is None:
            self._closing_until = now + self._options.slow_seconds
            self._readers.stop(list(self._guests.all()), now)
            self._settle(now)

    def statistics(self) -> Statistics:
        """Return what there is and what has been, in numbers."""
        return take_statistics(self._exchange, self._guests.all())

    # Inputs

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Pass on what only a confused driver says."""
        self._entrance.stream_opened(stream, now)

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Pass on what only a confused driver says."""
        self._entrance.tls_started(stream, info, now)

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Take in a stream."""
        self._entrance.stream_accepted(stream, listener, peer, now)
        self._settle(now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Take note that a stream is gone."""
        self._entrance.stream_lost(stream, why, now, detail)
        self._settle(now)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Take in octets. Never raises for what the peer sent."""
        self._entrance.receive_data(stream, data, now)
        self._settle(now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Take note that the peer ended its side of the stream."""
        self._entrance.receive_eof(stream, now)
        self._settle(now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        self._entrance.handle_timeout(now)
        self._listen(now)
        while (peer := self._guests.next_due(now)) is not None:
            if peer.connection.state in (State.IDLE, State.CONNECTING):
                peer.request = None
                peer.refuse("too late", f"no connection in {self._options.open_timeout:g} seconds")
            else:
                peer.connection.handle_timeout(now)
            self._have_read(peer)
        for late in self._writers.take_due(now):
            self._look_after(late, now)
        self._settle(now)

    def run(self, now: float) -> None:
        """Do a bounded piece of the work that was left over."""
        if not self._flushing:
            self._work(_IN_A_RUN, now)
            self._runs += 1
        if self._flushing or not self._left_over or self._runs >= _RUNS_UNWRITTEN:
            self._flush(now)

    # Outputs

    def next_action(self) -> StreamAction | None:
        """Return the next wish about streams, or None."""
        return self._entrance.next_action()

    def next_event(self) -> BrokerEvent | None:
        """Return the next event, or None."""
        events = self._exchange.events
        return events.popleft() if events else None

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`."""
        octets = self._entrance.data_to_send(stream, now, max_bytes)
        behind, self._emptied = self._writers.behind, None
        if octets and behind:
            peer = self._guests.get(self._entrance.peer_on(stream))
            if peer is not None and peer in behind:
                self._look_after(peer, now)
                if not (peer in behind or peer.gone) and peer.transport == "tcp":
                    self._emptied = stream
            if self._closing_until is not None:
                self._shut(now)
        return octets

    def gives_all(self, stream: StreamId) -> bool:
        """Tell whether the last octets of a plain stream were taken: others add some of their own."""
        return stream == self._emptied

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether a stream should be read."""
        return self._entrance.wants_read(stream)

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams whose writer or reader has to look again."""
        return self._entrance.changed_streams()

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        guests = earlier(self._guests.next_deadline(), self._writers.next_deadline())
        return earlier(self._entrance.next_deadline(), guests)

    def wants_run(self) -> bool:
        """Tell whether work was left over."""
        return self._flushing or self._exchange.busy or bool(self._readers)

    @property
    def finished(self) -> bool:
        """Whether it was closed and every stream is gone."""
        return self._shut_down and self._entrance.finished

    # Reading

    def _settle(self, now: float) -> None:
        """Hear what has come and go on, unless so much work waits that it is left to `run`."""
        self._listen(now)
        if not self._left_over:
            self._work(_AT_ONCE, now)
            if not self._left_over:
                self._flush(now)

    def _listen(self, now: float) -> None:
        while (event := self._entrance.next_event()) is not None:
            match event:
                case PeerData():
                    peer = self._guests[event.peer]
                    if not peer.gone:
                        self._readers.receive(peer, event.data, now)
                case PeerOpened():
                    self._welcome(Peer(event, self._entrance, self._options, now), now)
                case PeerClosed():
                    self._lost(self._guests[event.peer], event, now)
                case _:
                    self._exchange.events.append(event)

    def _welcome(self, peer: Peer, now: float) -> None:
        self._guests.add(peer)
        if len(self._guests) > self._options.max_connections:
            peer.refuse("too many connections", "this broker has all the clients that it may have")
            self._have_read(peer)
        elif self._closing_until is not None:
            self._drop(peer, "the broker shuts down", now)

    def _lost(self, peer: Peer, event: PeerClosed, now: float) -> None:
        if peer.reason is None:
            peer.reason = event.how.reason
        self._writers.give_up(peer)
        peer.lost = True
        if peer.closed:
            self._guests.remove(peer)
        elif peer.request is not None:
            # Before it is let in, nothing that it said counts.
            self._clear_away(peer, clean=False, reason=peer.reason)
        else:
            # What it said before is still heard.
            peer.connection.receive_eof(now)
            self._readers.enlist(peer)

    def _have_read(self, peer: Peer) -> None:
        """See to it that a peer's frames are read, and that what it is told is written."""
        self._readers.enlist(peer)
        self._exchange.touched[peer] = None

    def _work(self, budget: int, now: float) -> None:
        """Go on with what waits: first what was promised, then one frame of each peer in turn."""
        exchange, readers = self._exchange, self._readers
        while budget > 0:
            budget = exchange.run(budget)
            while exchange.slow:
                self._drop(exchange.slow.pop(), "it was too far behind", now)
            if exchange.busy:
                continue
            if not readers:
                break
            budget -= 1
            turn = readers.next_event(now)
            if turn is not None:
                self._hear(*turn)
        self._left_over = self.wants_run()

    def _hear(self, peer: Peer, event: ServerEvent) -> None:
        exchange = self._exchange
        exchange.touched[peer] = None
        match event:
            case ConnectRequest():
                ask_login(exchange, peer, event)
            case Closed():
                self._clear_away(peer, event.clean, self._reason(peer, event))
            case _:
                answer(exchange, self._options, peer, event)

    def _reason(self, peer: Peer, event: Closed) -> str:
        if event.error is not None:
            return str(event.error)
        return peer.reason or f"its connection ended: {event.reason.value}"

    # Writing

    def _flush(self, now: float) -> None:
        """Give transports what their peers have to be told, some peers at a time."""
        touched = self._exchange.touched
        for peer in list(islice(touched, _WOKEN)):
            del touched[peer]
            self._writers.fill(peer, now)
            self._guests.arm(peer)
        self._listen(now)
        self._flushing = bool(touched)
        if not self._flushing:
            self._runs = 0
            if self._closing_until is not None:
                self._shut(now)
        self._left_over = self.wants_run()

    def _look_after(self, peer: Peer, now: float) -> None:
        """Go on with a peer whose writer may have taken something; part with it if that is too little."""
        progress = self._writers.look_after(peer, now)
        if progress is Progress.CAUGHT_UP:
            self._exchange.offer_all(peer)
            self._readers.enlist(peer)
        elif progress is Progress.STUCK:
            self._drop(peer, f"it was {self._options.slow_seconds:g} seconds behind", now)

    # Ending

    def _drop(self, peer: Peer, reason: str, now: float) -> None:
        """Part with a peer at once."""
        self._writers.give_up(peer)
        if not peer.closed:
            self._clear_away(peer, clean=False, reason=reason)
        self._entrance.abort(peer.id, now)
        self._listen(now)

    def _clear_away(self, peer: Peer, clean: bool, reason: str) -> None:
        """Give back what a peer had, and say that it is gone."""
        peer.closed = True
        peer.request = None
        self._exchange.release(peer)
        self._exchange.events.append(ClientGone(peer=peer.id, clean=clean, reason=reason))
        if peer.lost:
            self._guests.remove(peer)

    def _shut(self, now: float) -> None:
        """Close the entrance once everything is written, or enough time has passed."""
        assert self._closing_until is not None, "only asked while closing"
        if self._shut_down or self.wants_run() or (now < self._closing_until and self._writers.unmoved):
            return
        self._shut_down = True
        self._entrance.shut_down(now)
        self._listen(now)
