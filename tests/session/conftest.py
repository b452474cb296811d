"""Every session of these tests is held to what it announces."""

from __future__ import annotations

import pytest

from stomp_sansio.machine import StreamId
from stomp_sansio.session.session import Session

NEVER = float("inf")


@pytest.fixture(autouse=True)
def announcements_are_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks only when told to misses no deadline, no work and no octets."""
    next_deadline, data_to_send = Session.next_deadline, Session.data_to_send
    seen: dict[Session, float] = {}

    def asked(self: Session) -> float | None:
        announced = self.wants_rearm()
        deadline = next_deadline(self)
        if not announced:
            assert (NEVER if deadline is None else deadline) >= seen[self], (
                "an earlier deadline was announced"
            )
            assert not self.wants_run(), "work that was left over was announced"
        seen[self] = NEVER if deadline is None else deadline
        return deadline

    def pulled(self: Session, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        octets = data_to_send(self, stream, now, max_bytes)
        if octets and len(octets) < max_bytes and self.gives_all(stream) and not self.wants_look():
            assert data_to_send(self, stream, now, max_bytes) == b"", "it was all there was"
        return octets

    monkeypatch.setattr(Session, "next_deadline", asked)
    monkeypatch.setattr(Session, "data_to_send", pulled)
