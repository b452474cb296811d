"""Ctrl-C at every point of a call, where the interpreter may raise it: after a call, and where one begins.

What comes to the server is judged, and so is whether the client goes on.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

import stomp_blocking
from stomp_sansio import Closed, CloseReason, ConnectRequest, Send
from tests.adapters.loopback import PATIENCE, LoopbackBroker

# Where Python finalizes, it tells of an exception and drops it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# What the interpreter does between these, no signal comes between.
_POINTS = {"call", "return", "c_return"}


def interrupted(call: Callable[[], object], point: int) -> bool:
    """Call something, and raise KeyboardInterrupt at a point of it; return whether it has so many."""
    left = point

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        if event in _POINTS and frame.f_code.co_filename != __file__:
            left -= 1
            if left == 0:
                sys.setprofile(None)
                raise KeyboardInterrupt

    sys.setprofile(profile)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(None)
    return left <= 0


def check(server: LoopbackBroker) -> None:
    """Every conversation was whole frames to its end, and no message came twice in one of them."""
    told: Counter[bytes] = Counter()
    for event in list(server.events):
        if isinstance(event, ConnectRequest):
            told.clear()
        elif isinstance(event, Send):
            told[event.body] += 1
            assert told[event.body] == 1, event
        elif isinstance(event, Closed):
            # The end may come inside of a frame; nothing comes after that.
            ended = event.reason in {CloseReason.DISCONNECT, CloseReason.EOF}
            assert ended or "the stream ended" in str(event.error), event


def connect(server: LoopbackBroker, thread: bool, close_timeout: float = 0.5) -> stomp_blocking.connect:
    return stomp_blocking.connect(
        f"stomp://127.0.0.1:{server.port}",
        thread=thread,
        close_timeout=close_timeout,
        reconnect=stomp_blocking.Backoff(initial=0.001, cap=0.001),
    )


def subscribe(client: stomp_blocking.Client, body: str) -> None:
    with client.subscribe("/topic/a"):
        pass


def receive(client: stomp_blocking.Client, body: str) -> None:
    with client.subscribe(f"/queue/{body}", ack="client-individual") as messages:
        client.send(f"/queue/{body}", body)
        messages.receive(timeout=PATIENCE).ack(receipt=True)


CALLS: dict[str, Callable[[stomp_blocking.Client, str], object]] = {
    "send": lambda client, body: client.send("/queue/a", body),
    "large": lambda client, body: client.send("/queue/a", body.ljust(900_000)),
    "confirmed": lambda client, body: client.send("/queue/a", body, receipt=True),
    "soon": lambda client, body: client.send_soon("/queue/a", body),
    "subscribe": subscribe,
    "receive": receive,
}


@pytest.mark.parametrize("thread", [True, False], ids=["thread", "pumped"])
@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_is_interrupted_anywhere(server, name, thread):
    # The longest has some thousand points: some of all kinds are enough.
    call, stride, point = CALLS[name], 23 if name == "receive" else 1, 0
    with connect(server, thread) as client:
        for point in itertools.count(1, stride):
            if not interrupted(partial(call, client, f"{name}-{point}"), point):
                break
            # Whatever became of it, the client goes on: on this connection, or on the next.
            client.send("/queue/probe", f"probe-{point}", receipt=True, timeout=PATIENCE)
            assert not client.ended
    assert point > 10, "it has no points"
    check(server)
    sent = {event.body for event in server.saw(Send, destination="/queue/probe")}
    assert sent == {f"probe-{number}".encode() for number in range(1, point, stride)}


@pytest.mark.parametrize("thread", [True, False], ids=["thread", "pumped"])
def test_closing_that_is_interrupted_anywhere(server, thread):
    # One of an earlier test may be about to end.
    before = set(threading.enumerate())
    for point in itertools.count(1):
        # Whoever is interrupted while it waits for the last receipt waits once more, to that time's end.
        with connect(server, thread, close_timeout=0.05) as client:
            was = interrupted(client.close, point)
        assert client.ended
        assert set(threading.enumerate()) <= before
        if not was:
            break
    check(server)
