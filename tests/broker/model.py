"""A naive broker: lists, loops, and the rules one after the other. The real one must do what it does.

It must not import anything of the broker that it judges, nor be clever.
"""

from __future__ import annotations

from dataclasses import dataclass, field

DEAD = "/queue/dead-letter."


@dataclass(eq=False)
class Note:
    """A message."""

    destination: str
    body: bytes
    position: int = 0
    redelivered: bool = False
    nacks: int = 0


@dataclass(eq=False)
class Sub:
    """A subscription."""

    client: ModelClient
    id: str
    destination: str
    ack: str
    prefetch: int
    active: bool = True
    got: list[tuple[str, bytes, bool]] = field(default_factory=list)
    """What it was given since last asked: destination, body, redelivered."""

    @property
    def held(self) -> int:
        """Messages that await an acknowledgement, those inside a transaction included."""
        pending = [held for steps in self.client.transactions.values() for held in acked(steps)]
        return sum(sub is self for sub, _ in [*self.client.unacked, *pending, *self.client.in_hand])

    @property
    def ready(self) -> bool:
        return self.active and (self.ack == "auto" or self.held < self.prefetch)


Step = tuple[str, "Note | list[tuple[Sub, Note]]"]


def acked(steps: list[Step]) -> list[tuple[Sub, Note]]:
    return [held for kind, what in steps if kind != "send" for held in what]  # type: ignore[union-attr]


@dataclass(eq=False)
class ModelClient:
    """A client."""

    cumulative: bool
    subs: dict[str, Sub] = field(default_factory=dict)
    unacked: list[tuple[Sub, Note]] = field(default_factory=list)
    transactions: dict[str, list[Step]] = field(default_factory=dict)
    in_hand: list[tuple[Sub, Note]] = field(default_factory=list)


@dataclass(eq=False)
class Line:
    """A queue."""

    waiting: list[Note] = field(default_factory=list)
    subs: list[Sub] = field(default_factory=list)
    turn: list[Sub] = field(default_factory=list)
    next_position: int = 0

    def put(self, note: Note) -> None:
        note.position = self.next_position
        self.next_position += 1
        self.waiting.append(note)


def matches(pattern: str, destination: str) -> bool:
    """Compare by recursion on the parts, dots only."""

    def match(pattern: list[str], name: list[str]) -> bool:
        if pattern == [">"]:
            return True
        if not pattern or not name:
            return pattern == name
        return pattern[0] in ("*", name[0]) and match(pattern[1:], name[1:])

    if not pattern.startswith("/topic/"):
        return False
    return match(pattern[7:].split("."), destination[7:].split("."))


class Model:
    """The naive broker."""

    def __init__(self, max_nacks: int) -> None:
        self.max_nacks = max_nacks
        self.queues: dict[str, Line] = {}
        self.topic_subs: list[Sub] = []

    def queue(self, destination: str) -> Line:
        return self.queues.setdefault(destination, Line())

    def subscribe(self, client: ModelClient, sub: Sub) -> None:
        client.subs[sub.id] = sub
        if sub.destination.startswith("/topic/"):
            self.topic_subs.append(sub)
        else:
            line = self.queue(sub.destination)
            line.subs.append(sub)
            line.turn.append(sub)
            self.go_on()

    def unsubscribe(self, client: ModelClient, id: str) -> None:
        sub = client.subs.pop(id)
        sub.active = False
        if sub.destination.startswith("/topic/"):
            self.topic_subs.remove(sub)
        else:
            line = self.queue(sub.destination)
            line.subs.remove(sub)
            if sub in line.turn:
                line.turn.remove(sub)

    def send(self, note: Note) -> None:
        if note.destination.startswith("/topic/"):
            for sub in self.topic_subs:
                if matches(sub.destination, note.destination):
                    self.give(sub, note)
        else:
            self.queue(note.destination).put(note)
        self.go_on()

    def give(self, sub: Sub, note: Note) -> None:
        sub.got.append((note.destination, note.body, note.redelivered))
        if sub.ack != "auto":
            sub.client.unacked.append((sub, note))

    def go_on(self) -> None:
        for line in self.queues.values():
            while line.waiting and line.turn:
                sub = line.turn.pop(0)
                if sub.ready:
                    line.turn.append(sub)
                    self.give(sub, line.waiting.pop(0))

    def covered(self, client: ModelClient, sub: Sub, note: Note) -> list[tuple[Sub, Note]]:
        """Take what an acknowledgement of a message covers."""
        taken: list[tuple[Sub, Note]] = []
        for held in list(client.unacked):
            if held[0] is sub and (held[1] is note or (client.cumulative and sub.ack == "client")):
                client.unacked.remove(held)
                taken.append(held)
            if held == (sub, note):
                break
        return taken

    def settle(self, held: list[tuple[Sub, Note]], accepted: bool) -> None:
        for sub, note in held:
            if note.destination.startswith("/topic/"):
                continue
            line = self.queue(note.destination)
            self.offer(line, sub)
            if not accepted:
                self.refuse(line, note)
        self.go_on()

    def refuse(self, line: Line, note: Note) -> None:
        note.nacks += 1
        if note.nacks < self.max_nacks:
            note.redelivered = True
            line.put(note)
        elif not note.destination.startswith(DEAD):
            name = DEAD + note.destination.removeprefix("/queue/")
            self.queue(name).put(Note(name, note.body))

    def offer(self, line: Line, sub: Sub) -> None:
        if sub in line.subs and sub not in line.turn:
            line.turn.append(sub)

    def put_back(self, held: list[tuple[Sub, Note]]) -> None:
        for sub, note in held:
            if note.destination.startswith("/queue/"):
                line = self.queue(note.destination)
                self.offer(line, sub)
                note.redelivered = True
                line.waiting = sorted([*line.waiting, note], key=lambda each: each.position)
        self.go_on()

    def commit(self, client: ModelClient, name: str) -> None:
        steps = client.transactions.pop(name)
        # What is settled by a later step is not free before.
        client.in_hand = acked(steps)
        for kind, what in steps:
            if isinstance(what, Note):
                note = what
                if note.destination.startswith("/topic/"):
                    self.send(note)
                else:
                    self.queue(note.destination).put(note)
            else:
                for held in what:
                    client.in_hand.remove(held)
                for sub, note in what:
                    if note.destination.startswith("/queue/"):
                        line = self.queue(note.destination)
                        self.offer(line, sub)
                        if kind == "nack":
                            self.refuse(line, note)
        self.go_on()

    def abort(self, client: ModelClient, name: str) -> None:
        self.put_back(acked(client.transactions.pop(name)))

    def leave(self, client: ModelClient) -> None:
        held = [*client.unacked, *[each for steps in client.transactions.values() for each in acked(steps)]]
        client.unacked.clear()
        client.transactions.clear()
        for id in list(client.subs):
            self.unsubscribe(client, id)
        self.put_back(held)
