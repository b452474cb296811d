"""A message as an application sees it, whatever its colour, and what becomes of it when a block is left.

This file must not know how an acknowledgement that is confirmed is waited for.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Generic

from ..errors import LocalProtocolError
from ..protocol.events import AckMode
from ..protocol.headers import HeaderPairs, Headers
from ..session.errors import MessageExpired
from ..session.subscription import Delivery
from ..session.tickets import Ticket
from .core import RunnerT, TransactionCore
from .keywords import AckKeywords

__all__ = ["MessageCore", "saying"]


class MessageCore(Generic[RunnerT]):
    """A message, and the connection that delivered it."""

    __slots__ = ("_delivery", "_runner", "_settled")

    def __init__(self, runner: RunnerT, delivery: Delivery) -> None:
        self._runner = runner
        self._delivery = delivery
        self._settled = False

    @property
    def destination(self) -> str:
        """Where it was sent to, as the server says it."""
        return self._delivery.message.destination

    @property
    def message_id(self) -> str:
        """The server's name for this delivery."""
        return self._delivery.message.message_id

    @property
    def headers(self) -> Headers:
        """All headers; the first of repeated names wins."""
        return self._delivery.message.headers

    @property
    def body(self) -> bytes:
        """The octets of the body."""
        return self._delivery.message.body

    @property
    def text(self) -> str:
        """The body as text, in the charset that its content-type names; UTF-8 when it names none.

        Raises:
            NotText: it is none. The sender is to blame.
        """
        return self._delivery.message.text

    def json(self) -> Any:
        """Return the value of a JSON body.

        Raises:
            NotText: the body is no text. The sender is to blame.
            ValueError: the text is no JSON. The sender is to blame.
        """
        return self._delivery.message.json()

    @property
    def content_type(self) -> str | None:
        """The content-type header."""
        return self._delivery.message.content_type

    @property
    def redelivered(self) -> bool:
        """Whether the server says that it delivered this message before."""
        return self.headers.get("redelivered") == "true"

    def _say(
        self, negative: bool, transaction: TransactionCore[RunnerT] | None, how: AckKeywords
    ) -> Ticket | None:
        runner, delivery = self._runner, self._delivery
        headers, receipt = saying(**how)
        command = "NACK" if negative else "ACK"
        headers = runner.intercepted(command, headers, ("message-id", self.message_id))
        ticket = runner.do_soon(
            lambda now: runner.session.ack(
                delivery,
                negative=negative,
                transaction=None if transaction is None else transaction.inner,
                headers=headers,
                confirm=receipt,
                now=now,
            )
        )
        self._settled = True
        return ticket

    @contextmanager
    def _processing(self, on_cancel: str) -> Generator[None]:
        """Acknowledge when the block is left, refuse when it raises."""
        if on_cancel not in ("leave", "nack"):
            raise ValueError(f"on_cancel is {on_cancel!r}: write 'leave' or 'nack'")
        try:
            yield
        except BaseException as error:
            # What is no Exception is a cancellation, or the end of the program.
            if isinstance(error, Exception) or on_cancel == "nack":
                self._settle(True)
            raise
        self._settle(False)

    def _settle(self, negative: bool) -> None:
        subscription = self._delivery.subscription
        if self._settled or subscription is None or subscription.ack is AckMode.AUTO:
            return
        try:
            self._say(negative, None, {})
        except (MessageExpired, LocalProtocolError) as error:
            # Lost meanwhile, covered by a later cumulative ACK, or a NACK in 1.0: the server knows what to do
            # with a message that is not settled, and the block's own error must not be hidden by this one.
            self._runner.log.info(str(error))

    def __repr__(self) -> str:
        return f"<Message {self._delivery.message!r}>"


def saying(*, headers: HeaderPairs = (), receipt: bool = False) -> tuple[HeaderPairs, bool]:
    """Return how an acknowledgement is said: more headers, and whether it is to be confirmed."""
    return headers, receipt
