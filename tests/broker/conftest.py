"""Every broker of these tests is held to what it says of its streams."""

from __future__ import annotations

import pytest

from stomp_sansio.broker.broker import Broker
from stomp_sansio.machine import StreamId


@pytest.fixture(autouse=True)
def what_was_all_was_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that asks only when told to misses no octets."""
    data_to_send = Broker.data_to_send

    def pulled(self: Broker, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        octets = data_to_send(self, stream, now, max_bytes)
        if octets and len(octets) < max_bytes and self.gives_all(stream):
            assert data_to_send(self, stream, now, max_bytes) == b"", "it was all there was"
        return octets

    monkeypatch.setattr(Broker, "data_to_send", pulled)
