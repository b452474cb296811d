"""A broker for tests, written from the text of STOMP 1.2 alone: it shares no code with the library it tests.

What lives here is a `Machine` that can be told to misbehave. It must not know what a test expects.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from stomp_sansio.machine import CloseStream, StreamAction, StreamId, StreamLoss, TLSInfo

_ESCAPES = {"\\r": "\r", "\\n": "\n", "\\c": ":", "\\\\": "\\"}


@dataclass
class Said:
    """A frame that a client has sent."""

    command: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """The number of the connection that it came on, from 1."""

    def __getitem__(self, name: str) -> str:
        return self.headers[name]


@dataclass
class Stored:
    """A message of a queue."""

    number: int
    body: bytes
    headers: dict[str, str]
    redelivered: bool = False


@dataclass
class Peer:
    """One connection."""

    stream: StreamId
    number: int
    incoming: bytes = b""
    outgoing: bytearray = field(default_factory=bytearray)
    ready: bool = False
    subscriptions: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Destination and ack mode, by id."""
    unacknowledged: dict[str, tuple[str, str, Stored]] = field(default_factory=dict)
    """Subscription, queue and message, by ack id, oldest first."""
    transactions: dict[str, list[Said]] = field(default_factory=dict)
    receipts: list[tuple[float, str]] = field(default_factory=list)
    next_beat: float = 0.0
    heard: float = 0.0
    """When something came last."""


class ModelBroker:
    """Queues, and topics below /topic/; everything that a client said stays in `said`."""

    finished = False

    def __init__(self) -> None:
        self.queues: dict[str, deque[Stored]] = {}
        self.accepted: dict[str, list[bytes]] = {}
        """Bodies in the order in which they were accepted, by destination."""
        self.said: list[Said] = []
        self.peers: dict[StreamId, Peer] = {}
        self.connections = 0
        self.accepts: Callable[[Said], str | None] = lambda connect: None
        """Says why a CONNECT is refused, if it is."""
        self.objects: Callable[[Said], str | None] = lambda said: None
        """Says why a frame is answered with ERROR and the end, if it is."""
        self.names_receipts = True
        """Whether an ERROR names the receipt of the frame it answers."""
        self.confirms: Callable[[Said], float | None] = lambda said: 0.0
        """Says in how many seconds a receipt comes; None is never."""
        self.ignores: Callable[[Said], bool] = lambda said: False
        """Says whether a frame is not even looked at."""
        self.beat = 0.0
        self.greeting: dict[str, str] = {}
        """More headers for CONNECTED."""
        self.reading = True
        self._actions: deque[StreamAction] = deque()
        # What was still to be written when a connection ended in order.
        self._last_words: dict[StreamId, bytearray] = {}
        self._touched: dict[StreamId, None] = {}
        self._numbers = itertools.count(1)

    def heard(self, command: str) -> list[Said]:
        """Return what clients said with one command."""
        return [said for said in self.said if said.command == command]

    def restart(self, *, keep: bool = True) -> None:
        """End every connection without a word, and forget all messages unless they are kept."""
        for peer in list(self.peers.values()):
            self._forget(peer)
            self._actions.append(CloseStream(peer.stream, abort=True))
        self._touched.clear()
        if not keep:
            self.queues.clear()

    def hang_up(self) -> None:
        """End every connection in order, as a server does that shuts down."""
        for peer in list(self.peers.values()):
            self._forget(peer)
            self._actions.append(CloseStream(peer.stream))

    # What a driver tells

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        self.connections += 1
        self.peers[stream] = Peer(stream, self.connections, heard=now)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        peer = self.peers.get(stream)
        if peer is None:
            return
        peer.incoming += data
        peer.heard = now
        while stream in self.peers and (said := self._parse(peer)) is not None:
            self.said.append(said)
            self._hear(peer, said, now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        if stream in self.peers:
            self._forget(self.peers[stream])
            self._actions.append(CloseStream(stream))

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        if stream in self.peers:
            self._forget(self.peers[stream])
        self._last_words.pop(stream, None)

    def handle_timeout(self, now: float) -> None:
        for peer in list(self.peers.values()):
            if self.beat and peer.heard + 3 * self.beat <= now:
                self._forget(peer)
                self._actions.append(CloseStream(peer.stream, abort=True))
                continue
            for instant, receipt in [due for due in peer.receipts if due[0] <= now]:
                peer.receipts.remove((instant, receipt))
                self.say(peer, "RECEIPT", {"receipt-id": receipt})
            if self.beat and peer.ready and peer.next_beat <= now:
                peer.next_beat = now + self.beat
                self.write(peer, b"\n")

    # What a driver asks

    def next_action(self) -> StreamAction | None:
        return self._actions.popleft() if self._actions else None

    def next_event(self) -> None:
        return None

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        peer = self.peers.get(stream)
        outgoing = self._last_words.get(stream, bytearray()) if peer is None else peer.outgoing
        octets = bytes(outgoing[:max_bytes])
        del outgoing[:max_bytes]
        return octets

    def wants_read(self, stream: StreamId) -> bool:
        return self.reading

    def changed_streams(self) -> list[StreamId]:
        touched = [stream for stream in self._touched if stream in self.peers]
        self._touched.clear()
        return touched

    def next_deadline(self) -> float | None:
        instants = [instant for peer in self.peers.values() for instant, _ in peer.receipts]
        if self.beat:
            for peer in self.peers.values():
                instants.append(peer.heard + 3 * self.beat)
                if peer.ready:
                    instants.append(peer.next_beat)
        return min(instants, default=None)

    def wants_run(self) -> bool:
        return False

    def run(self, now: float) -> None: ...

    def stream_opened(self, stream: StreamId, now: float) -> None: ...

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None: ...

    # Writing

    def say(self, peer: Peer, command: str, headers: dict[str, str], body: bytes = b"") -> None:
        """Write a frame to a client."""
        lines = [command, *(f"{_escaped(name)}:{_escaped(value)}" for name, value in headers.items())]
        if body:
            lines.append(f"content-length:{len(body)}")
        self.write(peer, "\n".join([*lines, "", ""]).encode() + body + b"\0\n")

    def write(self, peer: Peer, octets: bytes) -> None:
        """Write octets to a client, whatever they are."""
        peer.outgoing += octets
        self._touched[peer.stream] = None

    def error(self, peer: Peer, message: str, receipt: str | None = None, body: bytes = b"") -> None:
        """Write ERROR, and end the connection."""
        named = {"receipt-id": receipt} if receipt is not None and self.names_receipts else {}
        self.say(peer, "ERROR", {"message": message, **named}, body)
        self._last_words[peer.stream] = peer.outgoing
        self._forget(peer)
        self._actions.append(CloseStream(peer.stream))

    # Reading

    def _parse(self, peer: Peer) -> Said | None:
        peer.incoming = peer.incoming.lstrip(b"\n")
        head, blank, rest = peer.incoming.partition(b"\n\n")
        if not blank:
            return None
        command, *lines = head.decode().split("\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            if command != "CONNECT":
                name, value = _unescaped(name), _unescaped(value)
            headers.setdefault(name, value)
        length = int(headers["content-length"]) if "content-length" in headers else rest.find(b"\0")
        if not 0 <= length < len(rest):
            return None
        assert rest[length] == 0, "a frame ends with NUL"
        peer.incoming = rest[length + 1 :]
        return Said(command, headers, rest[:length], peer.number)

    def _hear(self, peer: Peer, said: Said, now: float) -> None:
        if self.ignores(said):
            return
        if said.command == "CONNECT":
            refusal = self.accepts(said)
            if refusal is not None:
                self.error(peer, "Bad CONNECT", body=refusal.encode())
                return
            beat = round(self.beat * 1000)
            self.say(peer, "CONNECTED", {"version": "1.2", "heart-beat": f"{beat},{beat}", **self.greeting})
            peer.ready, peer.next_beat = True, now + self.beat
            return
        assert peer.ready, f"{said.command} before CONNECTED"
        objection = self.objects(said)
        if objection is not None:
            self.error(peer, objection, said.headers.get("receipt"))
            return
        if said.command in ("SEND", "ACK", "NACK") and "transaction" in said.headers:
            peer.transactions[said["transaction"]].append(said)
            return
        self._do(peer, said, now)

    def _do(self, peer: Peer, said: Said, now: float) -> None:
        held: list[Said] = []
        match said.command:
            case "SEND":
                self.publish(said["destination"], said.body, said.headers)
            case "SUBSCRIBE":
                assert said["id"] not in peer.subscriptions, "an id is used once"
                peer.subscriptions[said["id"]] = said["destination"], said.headers.get("ack", "auto")
                self._feed(said["destination"])
            case "UNSUBSCRIBE":
                del peer.subscriptions[said["id"]]
            case "ACK" | "NACK":
                self._acknowledge(peer, said)
            case "BEGIN":
                assert said["transaction"] not in peer.transactions, "a transaction begins once"
                peer.transactions[said["transaction"]] = []
            case "COMMIT":
                held = peer.transactions.pop(said["transaction"])
            case "ABORT":
                del peer.transactions[said["transaction"]]
            case command:
                assert command == "DISCONNECT", command
        self._confirm(peer, said, now)
        for each in held:
            self._do(peer, each, now)
        if said.command == "DISCONNECT":
            self._last_words[peer.stream] = peer.outgoing
            self._forget(peer)
            self._actions.append(CloseStream(peer.stream))

    def _confirm(self, peer: Peer, said: Said, now: float) -> None:
        if "receipt" not in said.headers:
            return
        delay = self.confirms(said)
        if delay == 0.0:
            self.say(peer, "RECEIPT", {"receipt-id": said["receipt"]})
        elif delay is not None:
            peer.receipts.append((now + delay, said["receipt"]))

    # Messages

    def publish(self, destination: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Accept a message, from a client or from a test."""
        kept = {"destination", "receipt", "transaction", "content-length", "message-id", "subscription"}
        own = {name: value for name, value in (headers or {}).items() if name not in kept}
        self.accepted.setdefault(destination, []).append(body)
        message = Stored(next(self._numbers), body, own)
        if destination.startswith("/topic/"):
            for peer in self.peers.values():
                for id, (wanted, ack) in peer.subscriptions.items():
                    if wanted == destination:
                        self._deliver(peer, id, ack, destination, message)
        else:
            self.queues.setdefault(destination, deque()).append(message)
            self._feed(destination)

    def _feed(self, destination: str) -> None:
        """Give what waits in a queue to its subscribers, to each in turn."""
        queue = self.queues.get(destination, deque())
        takers = [
            (peer, id, ack)
            for peer in self.peers.values()
            for id, (wanted, ack) in peer.subscriptions.items()
            if wanted == destination
        ]
        while queue and takers:
            message = queue.popleft()
            self._deliver(*takers[message.number % len(takers)], destination, message)

    def _deliver(self, peer: Peer, id: str, ack: str, destination: str, message: Stored) -> None:
        headers = {"subscription": id, "message-id": f"m{message.number}", "destination": destination}
        if ack != "auto":
            headers["ack"] = f"a{next(self._numbers)}"
            peer.unacknowledged[headers["ack"]] = id, destination, message
        if message.redelivered:
            headers["redelivered"] = "true"
        self.say(peer, "MESSAGE", {**headers, **message.headers}, message.body)

    def _acknowledge(self, peer: Peer, said: Said) -> None:
        id, queue, _ = peer.unacknowledged[said["id"]]
        cumulative = peer.subscriptions.get(id, ("", ""))[1] == "client"
        for ack in list(peer.unacknowledged):
            if ack == said["id"] or (cumulative and peer.unacknowledged[ack][0] == id):
                _, _, message = peer.unacknowledged.pop(ack)
                if said.command == "NACK":
                    self._return(queue, message)
            if ack == said["id"]:
                break
        self._feed(queue)

    def _return(self, queue: str, message: Stored) -> None:
        message.redelivered = True
        waiting = [*self.queues.get(queue, ()), message]
        self.queues[queue] = deque(sorted(waiting, key=lambda stored: stored.number))

    def _forget(self, peer: Peer) -> None:
        del self.peers[peer.stream]
        queues = {queue for _, queue, _ in peer.unacknowledged.values() if not queue.startswith("/topic/")}
        for _, queue, message in peer.unacknowledged.values():
            if queue in queues:
                self._return(queue, message)
        for queue in queues:
            self._feed(queue)


def _escaped(text: str) -> str:
    return re.sub(r"[\\:\r\n]", lambda match: next(k for k, v in _ESCAPES.items() if v == match[0]), text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\.", lambda match: _ESCAPES[match[0]], text)
