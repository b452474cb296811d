"""Whose message is handled next, where handlers are called by whoever has time for it.

This file must not know threads: who uses it holds a lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ..session.errors import ConnectionClosedOK
from .core import SubscriptionCore

__all__ = ["Handlers", "Job"]

MessageT = TypeVar("MessageT")


class _Post(Generic[MessageT]):
    """A handler, and the subscription whose messages it gets."""

    def __init__(
        self,
        subscription: SubscriptionCore[Any, MessageT],
        handler: Callable[[MessageT], object],
        concurrency: int,
        leave: Callable[[], object],
    ) -> None:
        self.subscription = subscription
        self.leave = leave
        self.handler = handler
        self.free = concurrency
        """How many more messages may be handled at the same time."""


class Job(Generic[MessageT]):
    """A message that is to be handled. Pass it to `done` when it was, or to `failed`."""

    def __init__(self, post: _Post[MessageT], message: MessageT) -> None:
        self.post = post
        self.message = message

    def handle(self) -> None:
        """Call the handler."""
        self.post.handler(self.message)


class Handlers(Generic[MessageT]):
    """All handlers, each in its turn."""

    def __init__(self) -> None:
        self._posts: deque[_Post[MessageT]] = deque()

    def add(
        self,
        subscription: SubscriptionCore[Any, MessageT],
        handler: Callable[[MessageT], object],
        concurrency: int,
        leave: Callable[[], object],
    ) -> None:
        """Have a handler called for each message of a subscription that was entered; `leave` ends it."""
        self._posts.append(_Post(subscription, handler, concurrency, leave))

    @property
    def due(self) -> bool:
        """Whether `next_job` has something to say."""
        return any(post.free and post.subscription.due for post in self._posts)

    def next_job(self) -> Job[MessageT] | None:
        """Return the next message to handle, or None.

        Raises:
            Exception: why a subscription has ended, if something failed: its handler is forgotten.
        """
        for post in list(self._posts):
            # Whoever was looked at goes to the end: nobody starves.
            self._posts.rotate(-1)
            if not post.free:
                continue
            message = post.subscription.receive_nowait()
            if message is not None:
                post.free -= 1
                return Job(post, message)
            if post.subscription.due:
                self._posts.remove(post)
                try:
                    post.subscription.raise_ending()
                except ConnectionClosedOK:
                    pass
        return None

    def done(self, job: Job[MessageT]) -> None:
        """Take note that a handler has returned."""
        job.post.free += 1

    def failed(self, job: Job[MessageT]) -> None:
        """Forget a handler that has raised, and end its subscription."""
        if job.post in self._posts:
            self._posts.remove(job.post)
            job.post.leave()
