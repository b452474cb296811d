"""What a broker does for its guests: lets them in, hears them in turns, has them told, and parts with them.

This file must not know what a frame means, nor any transport.
"""

from __future__ import annotations

from itertools import islice

from ..links.peers import PeerClosed, PeerData, PeerOpened
from ..machine import StreamId
from ..protocol.deadlines import earlier
from ..protocol.events import Closed, ConnectRequest, ServerEvent
from ..protocol.states import State
from .answering import answer, ask_login
from .entrance import Entrance
from .events import ClientGone
from .exchange import Exchange
from .guests import Guests
from .options import BrokerOptions
from .peers import AHEAD, Peer
from .readers import Readers
from .writers import Progress, Writers

__all__ = ["Steward"]

# Steps, each about one delivery or one frame read, that an input may take, and that `run` may: some 2 and 8
# milliseconds. Once there is work left over, inputs leave theirs to `run` as well.
_AT_ONCE = 256
_IN_A_RUN = 1_024
# Writers that are woken at a time: with trio each is a task, and all that can go on do so in one turn.
_WOKEN = 64
# While more work waits, writers are woken after so many runs: they have more to write at once.
_RUNS_UNWRITTEN = 4


class Steward:
    """Work in pieces, for everybody in turn. `settle` after every input; `run` while `wants_run`."""

    __slots__ = (
        "_entrance",
        "_exchange",
        "_flushing",
        "_left_over",
        "_options",
        "_readers",
        "_runs",
        "closing_until",
        "guests",
        "shut_down",
        "writers",
    )

    def __init__(self, entrance: Entrance, exchange: Exchange, options: BrokerOptions) -> None:
        self._entrance = entrance
        self._exchange = exchange
        self._options = options
        self.guests = Guests()
        self._readers = Readers(entrance)
        self.writers = Writers(entrance, options)
        self._runs = 0
        self._left_over = self._flushing = False
        self.closing_until: float | None = None
        """When everybody is told to go whatever waits; None until `close`."""
        self.shut_down = False
        """Whether everybody was told to go."""

    # Inputs

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Take in octets of a stream."""
        peer = self.guests.passages.get(stream)
        if peer is None or peer.closing:
            self._entrance.receive_data(stream, data, now)
        else:
            self._readers.receive(peer, data, now)
        self.settle(now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Take note that no octets come any more on a stream."""
        self._entrance.receive_eof(stream, now)
        peer = self.guests.passages.get(stream)
        if peer is not None:
            # What waits for it is written, and then its stream ends: it is told nothing more.
            self.writers.give_up(peer)
        self.settle(now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        self._entrance.handle_timeout(now)
        self._listen(now)
        while (peer := self.guests.next_due(now)) is not None:
            if peer.connection.state in (State.IDLE, State.CONNECTING):
                peer.request = None
                peer.refuse("too late", f"no connection in {self._options.open_timeout:g} seconds")
            else:
                peer.connection.handle_timeout(now)
            self.have_read(peer)
        for late in self.writers.take_due(now):
            # What was taken of it, nobody has seen.
            self.look_after(late, AHEAD, now)
        self.settle(now)

    def run(self, now: float) -> None:
        """Do a bounded piece of the work that was left over."""
        if not self._flushing:
            self._work(_IN_A_RUN, now)
            self._runs += 1
        if self._flushing or not self._left_over or self._runs >= _RUNS_UNWRITTEN:
            self._flush(now)

    def close(self, now: float) -> None:
        """Read no more, and tell everybody to go once all is written. Harmless when it was said before."""
        if self.closing_until is None:
            self.closing_until = now + self._options.slow_seconds
            self._readers.stop(list(self.guests.all()), now)
            self.settle(now)

    # Outputs

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams whose writer or reader has to look again."""
        return self.writers.changed_streams() + self._entrance.changed_streams()

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        guests = earlier(self.guests.next_deadline(), self.writers.next_deadline())
        return earlier(self._entrance.next_deadline(), guests)

    def wants_run(self) -> bool:
        """Tell whether work was left over."""
        return self._flushing or self._exchange.busy or bool(self._readers)

    # Reading

    def settle(self, now: float) -> None:
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
                    peer = self.guests[event.peer]
                    if not peer.gone:
                        self._readers.receive(peer, event.data, now)
                case PeerOpened():
                    self._welcome(Peer(event, self._entrance, self._options, now), now)
                case PeerClosed():
                    self._lost(self.guests[event.peer], event, now)
                case _:
                    self._exchange.events.append(event)

    def _welcome(self, peer: Peer, now: float) -> None:
        self.guests.add(peer)
        if len(self.guests) > self._options.max_connections:
            self.guests.turn_away(peer)
            peer.refuse("too many connections", "this broker has all the clients that it may have")
            self.have_read(peer)
        elif self.closing_until is not None:
            self.drop(peer, "the broker shuts down", now)

    def _lost(self, peer: Peer, event: PeerClosed, now: float) -> None:
        if peer.reason is None:
            peer.reason = event.how.reason
        self.writers.give_up(peer)
        peer.lost = True
        if peer.closed:
            self.guests.remove(peer)
        elif peer.request is not None:
            # Before it is let in, nothing that it said counts.
            self._clear_away(peer, clean=False, reason=peer.reason)
        else:
            # What it said before is still heard.
            peer.connection.receive_eof(now)
            self._readers.enlist(peer)

    def have_read(self, peer: Peer) -> None:
        """See to it that a peer's frames are read, and that what it is told is written."""
        self._readers.enlist(peer)
        self.guests.arm(peer)
        self._exchange.touched[peer] = None

    def _work(self, budget: int, now: float) -> None:
        """Go on with what waits: first what was promised, then one frame of each peer in turn."""
        exchange, readers = self._exchange, self._readers
        while budget > 0:
            budget = exchange.run(budget)
            while exchange.slow:
                self.drop(exchange.slow.pop(), "it was too far behind", now)
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
            self.writers.fill(peer, now)
            if peer.passage is None:
                self.guests.arm(peer)
        self._listen(now)
        self._flushing = bool(touched)
        if not self._flushing:
            self._runs = 0
            if self.closing_until is not None:
                self.shut(now)
        self._left_over = self.wants_run()

    def look_after(self, peer: Peer, taken: int, now: float) -> None:
        """Go on with a peer whose writer may have taken something; part with it if that is too little."""
        progress = self.writers.look_after(peer, taken, now)
        if progress is Progress.CAUGHT_UP:
            self._exchange.offer_all(peer)
            self._readers.enlist(peer)
        elif progress is Progress.STUCK:
            self.drop(peer, f"it was {self._options.slow_seconds:g} seconds behind", now)

    # Ending

    def drop(self, peer: Peer, reason: str, now: float) -> None:
        """Part with a peer at once."""
        self.writers.give_up(peer)
        self.guests.end_passage(peer)
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
            self.guests.remove(peer)

    def shut(self, now: float) -> None:
        """Close the entrance once everything is written, or enough time has passed."""
        assert self.closing_until is not None, "only asked while closing"
        if self.shut_down or self.wants_run() or (now < self.closing_until and self.writers.unmoved):
            return
        self.shut_down = True
        for peer in self.guests.all():
            peer.closing = True
        self._entrance.shut_down(now)
        self._listen(now)
