"""A virtual host: the topics and queues that its clients share, and nobody else sees.

This file must not know frames, nor when a queue is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .destinations import Kind
from .messages import StoredMessage
from .options import BrokerOptions
from .peers import Peer, PeerQueue, Subscription, TempQueue
from .queues import Queue, Tally
from .router import Router

__all__ = ["NOBODY_ASKS", "NoRoom", "VirtualHost"]

NOBODY_ASKS = "who asked for this reply is gone"
"""What becomes of a reply that comes too late, or that nobody took in time."""


class NoRoom(Exception):
    """There is no place for a message; the message says why, and names the limit if it is one."""


class VirtualHost:
    """Destinations of one name each."""

    __slots__ = ("_options", "_token", "name", "queues", "replies", "tally", "topics")

    def __init__(self, name: str, options: BrokerOptions, token: Callable[[], str]) -> None:
        """`token` returns something that nobody can guess."""
        self._options = options
        self._token = token
        self.name = name
        self.topics: Router[Subscription] = Router()
        self.queues: dict[str, PeerQueue] = {}
        self.replies: dict[str, PeerQueue] = {}
        """Temp queues of all clients, by token."""
        self.tally = Tally()

    def queue(self, name: str) -> PeerQueue:
        """Return a queue, which begins to exist when somebody asks for it.

        Raises:
            NoRoom: there are too many.
        """
        queue = self.queues.get(name)
        if queue is None:
            if len(self.queues) >= self._options.max_queues:
                raise NoRoom(f"there are {len(self.queues)} queues, and no more are made")
            queue = self.queues[name] = Queue(f"{Kind.QUEUE.value}{name}", self.tally)
        return queue

    def reply_queue(self, token: str) -> PeerQueue:
        """Return the temp queue that others know by a token.

        Raises:
            NoRoom: whose it was is gone.
        """
        queue = self.replies.get(token)
        if queue is None:
            raise NoRoom(NOBODY_ASKS)
        return queue

    def temp_queue(self, peer: Peer, name: str) -> TempQueue:
        """Return the queue of this name that belongs to a peer alone.

        Raises:
            NoRoom: it has too many.
        """
        temp = peer.temp_queues.get(name)
        if temp is None:
            limit = self._options.limits.max_subscriptions
            if len(peer.temp_queues) >= limit:
                raise NoRoom(f"there are {limit} temp queues of this connection, and no more are made")
            temp = TempQueue(Queue(f"{Kind.TEMP_QUEUE.value}{name}", self.tally), self._token())
            peer.temp_queues[name] = temp
            self.replies[temp.token] = temp.queue
        return temp

    def check_room(self, messages: Mapping[PeerQueue, Sequence[StoredMessage]]) -> None:
        """Make sure that messages may be put into their queues, all of them.

        Raises:
            NoRoom: they may not.
        """
        options = self._options
        total = self.tally.octets
        for queue, together in messages.items():
            octets = sum(message.size for message in together)
            total += octets
            if len(queue) + len(together) > options.max_queue_messages:
                raise NoRoom(f"{queue.name!r} is full: {len(queue)} messages wait there")
            if queue.octets + octets > options.max_queue_octets:
                raise NoRoom(f"{queue.name!r} is full: {queue.octets} octets wait there")
        if total > options.max_waiting_octets:
            raise NoRoom(f"the queues are full: {self.tally.octets} octets wait in them, or for an ACK")

    def forget_if_idle(self, queue: PeerQueue) -> None:
        """Let a queue end that nobody would miss."""
        name = queue.name.removeprefix(Kind.QUEUE.value)
        if queue.idle and self.queues.get(name) is queue:
            del self.queues[name]

    def forget_temp_queues(self, peer: Peer) -> list[StoredMessage]:
        """Let the temp queues of a peer end; return what waited there."""
        lost: list[StoredMessage] = []
        for temp in peer.temp_queues.values():
            del self.replies[temp.token]
            lost += temp.queue.clear()
        peer.temp_queues.clear()
        return lost
