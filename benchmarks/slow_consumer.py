"""One of 1,000 subscribers stops reading: what the others notice of it, in the latency of their messages.

Runs without it and with it take turns, twice as many without: how much those differ among themselves is what
the machine does. This file must not know how a broker is started, nor how figures are shown.
"""

from __future__ import annotations

import socket
import statistics
import time
from dataclasses import dataclass

from .broker_contestants import BrokerKind, Running
from .broker_load import Crowd, Missing, frame
from .report import Report

__all__ = ["Latency", "measure", "run"]

SUBSCRIBERS = 1_000
_MESSAGES = 80
_BODY = b"x" * 2_000
_OWN_BODY = b"x" * 100_000
"""Of what is sent to the slow one alone, between the messages: systems buffer some megabytes for it."""
_TOPIC, _OWN = "/topic/bench", "/topic/slow"
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from a message's SEND to its arrival, of all messages and subscribers that read."""

    p50: float
    p99: float
    parted: bool
    """Whether the broker ended the connection of the one that did not read."""


class _Listeners(Crowd):
    def ignore(self, index: int) -> None:
        """Read no more from one."""
        self._selector.unregister(self.sockets[index])

    def arrivals(self, total: int) -> list[float]:
        """Return when each of so many frames came.

        Raises:
            Missing: they have not come in time, or a connection ended.
        """
        end = time.monotonic() + _PATIENCE
        found: list[float] = []
        while len(found) < total:
            for key, _ in self._selector.select(0.5):
                size = self.sockets[key.data].recv_into(self._view)
                if not size:
                    raise Missing("the broker ended the connection of one that reads")
                found += [time.perf_counter()] * self._buffer.count(b"\0", 0, size)
            if time.monotonic() > end:
                raise Missing(f"{total - len(found)} of {total} messages have not come in {_PATIENCE:g} s")
        return found


def measure(running: Running, *, slow: bool) -> Latency:
    """Send messages one after the other, each when all who read have got the one before.

    Raises:
        Missing: somebody who reads did not get a message.
    """
    with _Listeners(running.port, running.kind.framing, running.kind.path) as crowd:
        crowd.open(SUBSCRIBERS)
        crowd.say_all(running.kind.framing(frame("SUBSCRIBE", id="0", destination=_TOPIC, receipt="r")))
        crowd.hear(SUBSCRIBERS)
        crowd.say(0, running.kind.framing(frame("SUBSCRIBE", id="1", destination=_OWN, receipt="r")))
        crowd.hear(1)
        crowd.open(1)
        send = frame("SEND", _BODY, destination=_TOPIC, content_length=str(len(_BODY)))
        own = frame("SEND", _OWN_BODY, destination=_OWN, content_length=str(len(_OWN_BODY)))
        if slow:
            crowd.ignore(0)
        readers = SUBSCRIBERS - slow
        took: list[float] = []
        for number in range(_MESSAGES):
            begun = time.perf_counter()
            crowd.say(SUBSCRIBERS, running.kind.framing(send))
            arrived = crowd.arrivals(readers)
            # The first warm up.
            if number >= 5:
                took += [instant - begun for instant in arrived]
            crowd.say(SUBSCRIBERS, running.kind.framing(own))
            if not slow:
                crowd.arrivals(1)
        cuts = statistics.quantiles(took, n=100)
        return Latency(cuts[49], cuts[98], slow and _has_ended(crowd.sockets[0]))


def _has_ended(sock: socket.socket) -> bool:
    """Read what is there, and say whether the end comes behind it."""
    sock.settimeout(1.0)
    try:
        while sock.recv(1 << 20):
            pass
    except TimeoutError:
        return False
    except ConnectionResetError:
        pass
    return True


def run(report: Report, kinds: list[BrokerKind], *, rounds: int) -> None:
    """Measure each of our brokers over plain STOMP, `rounds` times (3 at most), and report ratios of p99."""
    rows: list[list[str]] = []
    for kind in kinds:
        if not kind.ours or kind.path:
            continue
        with_it: list[float] = []
        spread: list[float] = []
        calm: list[Latency] = []
        parted = True
        for _ in range(min(rounds, 3)):
            before, troubled, behind = (_fresh(kind, slow=slow) for slow in (False, True, False))
            with_it.append(troubled.p99 / ((before.p99 + behind.p99) / 2))
            spread.append(max(before.p99, behind.p99) / min(before.p99, behind.p99))
            calm += [before, behind]
            parted = parted and troubled.parted
        name = f"broker slow consumer {kind.name}"
        ratio = statistics.median(with_it)
        rows.append(
            [
                kind.name,
                f"{statistics.median(each.p50 for each in calm) * 1000:.1f} ms",
                f"{statistics.median(each.p99 for each in calm) * 1000:.1f} ms",
                f"{statistics.median(spread):.2f}",
                f"{ratio:.2f}",
                "yes" if parted else "no",
                report.figure(name, ratio, "x"),
            ]
        )
        report.figure(f"{name} parted", float(parted), "")
    report.table(
        f"one of {SUBSCRIBERS:,} subscribers stops reading, messages of {len(_BODY):,} octets",
        ["broker", "p50", "p99", "p99, two runs without it", "p99, with it", "parted with", "target"],
        rows,
    )


def _fresh(kind: BrokerKind, *, slow: bool) -> Latency:
    with Running(kind) as running:
        return measure(running, slow=slow)
