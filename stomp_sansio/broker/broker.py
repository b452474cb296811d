"""`Broker`: the machine that a driver drives, and the commands of the program that runs it.

This file must not know what is done for clients, nor in which order.
"""

from __future__ import annotations

from collections.abc import Callable

from ..links.peers import PeerId
from ..machine import StreamAction, StreamId, StreamLoss, TLSInfo
from ..protocol.headers import HeaderPairs
from .answering import admit
from .entrance import Entrance
from .events import BrokerEvent
from .exchange import Exchange
from .options import BrokerOptions
from .statistics import Statistics, take_statistics
from .steward import Steward

__all__ = ["Broker"]


class Broker:
    """A STOMP broker that keeps everything in memory: what it holds is gone when it ends.

    Drive it as any `Machine`. Take events with `next_event`; answer each `LoginAsked` with `accept` or
    `reject`. While `wants_run`, call `run`, with turns of readers and writers in between.
    """

    __slots__ = ("_emptied", "_entrance", "_exchange", "_options", "_steward", "_token")

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
        self._steward = Steward(entrance, self._exchange, self._options)
        self._emptied: StreamId | None = None  # by the last pull

    # Commands

    def accept(self, peer: PeerId, now: float, *, headers: HeaderPairs = ()) -> None:
        """Answer `LoginAsked`: let the client in. Harmless when it is gone meanwhile.

        `headers` go into CONNECTED, as `user-name` does.

        Raises:
            LocalProtocolError: a header cannot be represented. Nothing has changed.
        """
        client = self._steward.guests.get(peer)
        if client is not None and client.request is not None:
            admit(self._exchange, client, client.request, self._token(), self._options.server, headers)
            client.request = None
            self._steward.have_read(client)
            self._steward.settle(now)

    def reject(self, peer: PeerId, now: float, message: str = "access refused", *, details: str = "") -> None:
        """Answer `LoginAsked`: refuse the client with an ERROR. Harmless when it is gone meanwhile.

        `message` and `details`, its body, should not tell whether the login or the passcode was wrong.

        Raises:
            LocalProtocolError: the message cannot be represented, as one with an end of line. Nothing has
                changed.
        """
        client = self._steward.guests.get(peer)
        if client is not None and client.request is not None:
            client.refuse(message, details)
            client.request = None
            self._steward.have_read(client)
            self._steward.settle(now)

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
        self._steward.settle(now)

    def expel(self, peer: PeerId, now: float, message: str, *, details: str = "") -> None:
        """Send a client an ERROR and end its connection. Harmless when it is gone.

        Raises:
            LocalProtocolError: the message cannot be represented, as one with an end of line in STOMP 1.0.
                Nothing has changed.
        """
        client = self._steward.guests.get(peer)
        if client is not None:
            client.refuse(message, details)
            self._steward.have_read(client)
            self._steward.settle(now)

    def drop(self, peer: PeerId, now: float) -> None:
        """End a client's connection at once, without a word. Harmless when it is gone."""
        client = self._steward.guests.get(peer)
        if client is not None:
            self._steward.drop(client, "the broker ended it", now)
            self._steward.settle(now)

    def close(self, now: float) -> None:
        """Read no more, write what is queued, close every connection, and accept none: `finished` follows.

        Clients get no ERROR: those who reconnect do so elsewhere or later.
        """
        self._steward.close(now)

    def statistics(self) -> Statistics:
        """Return what there is and what has been, in numbers."""
        return take_statistics(self._exchange, self._steward.guests.all())

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
        self._steward.settle(now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Take note that a stream is gone."""
        self._entrance.stream_lost(stream, why, now, detail)
        self._steward.settle(now)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Take in octets. Never raises for what the peer sent."""
        self._steward.receive_data(stream, data, now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Take note that the peer ended its side of the stream."""
        self._steward.receive_eof(stream, now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        self._steward.handle_timeout(now)

    def run(self, now: float) -> None:
        """Do a bounded piece of the work that was left over."""
        self._steward.run(now)

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
        steward, self._emptied = self._steward, None
        writers, peer = steward.writers, steward.guests.passages.get(stream)
        if peer is not None:
            octets = writers.take(peer, now, max_bytes)
            if peer.moved == len(octets):
                # With the first of them a heart may begin to beat.
                steward.guests.arm(peer)
            if octets and peer not in writers.behind:
                self._emptied = stream
        else:
            octets = self._entrance.data_to_send(stream, now, max_bytes)
            peer = steward.guests.get(self._entrance.peer_on(stream)) if octets and writers.behind else None
        if peer in writers.behind:
            steward.look_after(peer, len(octets), now)
        if steward.closing_until is not None:
            steward.shut(now)
        return octets

    def gives_all(self, stream: StreamId) -> bool:
        """Tell whether the last octets of a plain stream were taken: others add some of their own."""
        return stream == self._emptied

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether a stream should be read."""
        return self._entrance.wants_read(stream)

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams whose writer or reader has to look again."""
        return self._steward.changed_streams()

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        return self._steward.next_deadline()

    def wants_run(self) -> bool:
        """Tell whether work was left over."""
        return self._steward.wants_run()

    @property
    def finished(self) -> bool:
        """Whether it was closed and every stream is gone."""
        return self._steward.shut_down and self._entrance.finished
