"""What each figure must reach: one row a target, by the name of the figure.

A target is reported beside its figure and fails nothing, unless asked for. This file must not know how a
figure came about.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TARGETS", "Target", "verdict"]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound: `at_most` for costs, `at_least` for how many times faster than a peer."""

    at_most: float | None = None
    at_least: float | None = None

    def reached(self, value: float) -> bool:
        """Say whether the figure keeps the bound."""
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )

    def __str__(self) -> str:
        return f"<= {self.at_most:g}" if self.at_most is not None else f">= {self.at_least:g}"


def _most(value: float) -> Target:
    return Target(at_most=value)


def _least(value: float) -> Target:
    return Target(at_least=value)


TARGETS: dict[str, Target] = {
    # time as a multiple of floor (c)
    "parse rabbit 65536 FrameParser": _most(1.4),
    "parse rabbit 1448 FrameParser": _most(1.55),
    "parse spring 65536 FrameParser": _most(1.5),
    "parse spring 1448 FrameParser": _most(1.7),
    "parse tiny 65536 FrameParser": _most(2.0),
    "parse escaped 65536 FrameParser": _most(3.0),
    "parse many 65536 FrameParser": _most(1.3),
    "parse rabbit 65536 Connection": _most(2.0),
    # how many times faster than a peer
    "parse rabbit 65536 FrameParser against stomp.py": _least(6.5),
    "parse rabbit 65536 FrameParser against stompman": _least(23),
    "parse rabbit 65536 FrameParser against stompest": _least(4.5),
    "parse rabbit 65536 FrameParser against stompjs": _least(2.8),
    # nanoseconds an octet in chunks of one octet
    **{
        f"octets {corpus} FrameParser": _most(500)
        for corpus in ("rabbit", "spring", "tiny", "escaped", "many")
    },
    # time as a multiple of floor (b), and times faster than a peer
    "encode plain encode": _most(1.8),
    "encode escapes encode": _most(3.2),
    "encode plain Frame + encode against stomp.py": _least(3.5),
    "encode plain Frame + encode against stompest": _least(6),
    "encode plain Frame + encode against stompman": _least(9),
    # one body of 1 MiB in chunks of 1,448 octets
    **{f"memory {kind} FrameParser growth": _most(4.5) for kind in ("text", "random")},
    **{f"memory {kind} FrameParser ms": _most(0.5) for kind in ("text", "random")},
    **{f"memory {kind} FrameParser peak": _most(1.3) for kind in ("text", "random")},
    **{f"memory {kind} Connection peak": _most(1.3) for kind in ("text", "random")},
    # throughput as a multiple of bare wsproto's
    **{
        f"links {shape} {direction}": _least(0.85)
        for shape in ("200 B", "200 B, one a read", "64 KiB", "200 B binary", "64 KiB binary")
        for direction in ("client receives", "server receives", "client sends", "server sends")
    },
    **{
        f"links 200 B SockJS {direction}": _least(0.6)
        for direction in ("client receives", "server receives", "client sends", "server sends")
    },
    # of the broker's process: pieces of work a second of CPU, milliseconds that its loop stood still, seconds
    # of CPU, and KiB
    **{f"broker {name} ours, asyncio": _least(60_000) for name in ("fan-out", "fan-out one by one")},
    **{f"broker {name} ours, trio": _least(25_000) for name in ("fan-out", "fan-out one by one")},
    "broker queue ours, asyncio": _least(6_000),
    "broker queue ours, trio": _least(6_000),
    **{
        f"broker {name} ours, {runtime} stall": _most(50)
        for name in ("fan-out", "fan-out one by one", "queue")
        for runtime in ("asyncio", "trio")
    },
    # how many times the p99 of the others without it
    **{f"broker slow consumer ours, {runtime}": _most(1.5) for runtime in ("asyncio", "trio")},
    **{f"broker connects ours, {runtime}": _most(3) for runtime in ("asyncio", "trio")},
    **{f"broker idle ours, {runtime}": _most(25) for runtime in ("asyncio", "trio")},
    # against a real server, how many times better than a peer in the same run: ahead in every row
    **{
        f"servers {task} {measure} {ours} against {peer}": _least(1)
        for task, measures in (
            ("publish with receipts", ("rate", "cpu")),
            ("publish", ("rate", "cpu")),
            ("consume, auto", ("rate", "cpu")),
            ("consume, client-individual", ("rate", "cpu")),
            ("round trip", ("rate", "cpu", "p50", "p99")),
        )
        for measure in measures
        for ours in ("stomp_trio", "stomp_asyncio", "stomp_blocking")
        for peer in ("stomp.py", "stompman")
    },
    # of the client's process: how many times less CPU a message than a peer
    "client consume stomp_asyncio against stomp.py": _least(2.5),
    "client consume stomp_asyncio against stompman": _least(10),
    "client publish stomp_asyncio against stomp.py": _least(1.5),
    "client publish stomp_asyncio against stompman": _least(4),
    "client publish stomp_trio against stomp.py": _least(1),
    # times as fast as one at a time; a multiple of a bare echo; KiB
    "client pipelined receipts": _least(5),
    **{f"client round trip {ours} ratio": _most(1.6) for ours in ("stomp_asyncio", "stomp_trio")},
    **{f"client idle {ours}": _most(40) for ours in ("stomp_asyncio", "stomp_trio")},
    # milliseconds over a bare interpreter, or over what comes with it anyway
    "import stomp_sansio": _most(25),
    "import stomp_asyncio over asyncio": _most(60),
}


def verdict(name: str, value: float) -> tuple[str, bool]:
    """Return what to print beside a figure, and whether it is fine.

    A figure without a target is fine and says nothing.
    """
    target = TARGETS.get(name)
    if target is None:
        return "", True
    reached = target.reached(value)
    return f"{target}: {'reached' if reached else 'missed'}", reached
