"""What is known of a capture while it is replayed: its conversations, and how each began.

What lives here must not know how octets are read.
"""

from __future__ import annotations

from math import inf

from ..machine import StreamId
from ..protocol.frames import Frame
from ..protocol.limits import Limits
from .listening import Ears, Said, listen
from .mirror import ClientMirror, ServerMirror
from .records import Record
from .talks import Talk

__all__ = ["Stage"]


class Stage:
    """What readers share: the conversations, and what is known of them beforehand."""

    def __init__(self, items: list[Record], limits: Limits | None) -> None:
        self.limits = limits
        self.items = items
        self.by_stream: dict[StreamId, list[Record]] = {}
        for item in items:
            if item.stream is not None:
                self.by_stream.setdefault(item.stream, []).append(item)
        self.ears = Ears()
        self.talks: dict[object, Talk] = {}
        self.all: list[Talk] = []
        self.earliest = inf
        """No conversation wants to be woken before."""
        self._greetings: dict[object, Frame] = {}
        self._answers: dict[object, Frame] = {}
        for heard in listen(items):
            if isinstance(heard, Said) and heard.frame is not None:
                known = self._greetings if heard.from_client else self._answers
                known.setdefault(heard.conversation, heard.frame)

    def begin(self, conversation: object, role: str, transport: str, now: float) -> Talk:
        """Begin a conversation; a client greets at once."""
        greeting, answer = self._greetings.get(conversation), self._answers.get(conversation)
        if greeting is not None and greeting.command not in ("CONNECT", "STOMP"):
            greeting = None
        mirror = (ClientMirror if role == "client" else ServerMirror)(greeting, answer, self.limits)
        talk = Talk(_name(conversation), role, transport, mirror)
        self.talks[conversation] = talk
        self.all.append(talk)
        talk.on_deadline = self._noted
        if role == "client" and greeting is not None:
            talk.say(greeting, now)
        return talk

    def _noted(self, deadline: float) -> None:
        self.earliest = min(self.earliest, deadline)

    def fail(self, conversation: object, role: str) -> Talk:
        """Return the conversation, or one that never was."""
        talk = self.talks.get(conversation)
        if talk is None:
            talk = self.talks[conversation] = Talk(_name(conversation), role, "none", None)
            self.all.append(talk)
        return talk


def _name(conversation: object) -> str:
    return conversation.decode("latin-1") if isinstance(conversation, bytes) else f"#{conversation}"
