"""The embedded broker in a process of its own, with other brokers beside: fan-out, queues, connections.

What counts is that process's CPU time a piece of work, turned into pieces a second of one core; what the
clock on the wall said stands beside it. This file must not know how a broker is started, nor how clients are
made.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import slow_consumer
from .broker_contestants import BrokerKind, Running, brokers
from .broker_load import Crowd, Missing, frame, settlements
from .report import Report

__all__ = ["fan_out", "run", "sampled"]

SUBSCRIBERS = 1_000
_BODY = b"x" * 200
_MESSAGES = 60
"""Messages of a fan-out, each delivered to all subscribers."""
_ON_THEIR_WAY = 10
_TRIPS = 3_000
_WINDOW = 100
_CONNECTS = 1_000
_IDLE = 5_000
_TOPIC, _QUEUE = "/topic/bench", "/queue/bench"


@dataclass(frozen=True, slots=True)
class Work:
    """What a broker did in a while."""

    pieces: int
    wall: float
    cpu: float
    gap_wall: float = 0.0
    gap_cpu: float = 0.0
    """The longest that its loop stood still, in seconds, where it can say that."""


def run(report: Report, *, rounds: int, others: bool) -> None:
    """Measure every broker in turn, `rounds` times each (5 at most), and report medians."""
    kinds, versions = brokers(others, report.say)
    report.say(f"\nbrokers beside ours: {', '.join(versions) or 'none'}")
    rounds = min(rounds, 5)
    _rates(
        report,
        f"fan-out of messages of 200 octets to {SUBSCRIBERS:,}, {_ON_THEIR_WAY} messages on their way",
        "fan-out",
        "deliveries/s",
        sampled(report, kinds, "fan-out", rounds, lambda running: fan_out(running, _ON_THEIR_WAY)),
    )
    _rates(
        report,
        "the same one by one: the next message is sent when all have the one before",
        "fan-out one by one",
        "deliveries/s",
        sampled(report, kinds, "fan-out", rounds, lambda running: fan_out(running, 1)),
    )
    _rates(
        report,
        f"a queue: send, deliver, ack (client-individual), {_WINDOW} on their way",
        "queue",
        "round trips/s",
        sampled(report, kinds, "queue", rounds, lambda running: _queue(running, _WINDOW)),
    )
    _rates(
        report,
        "a queue: send, deliver, ack, one after the other",
        "queue one by one",
        "round trips/s",
        sampled(report, kinds, "queue", rounds, lambda running: _queue(running, 1)),
    )
    _connects(report, sampled(report, kinds, "connects", rounds, _connect))
    _idle(report, kinds)
    slow_consumer.run(report, kinds, rounds=rounds)


# Taking turns


def sampled(
    report: Report, kinds: Sequence[BrokerKind], what: str, rounds: int, work: Callable[[Running], Work]
) -> dict[BrokerKind, list[Work]]:
    """Return what each broker did, all of them once in every round; one that fails is told and left out."""
    samples: dict[BrokerKind, list[Work]] = {}
    able = [kind for kind in kinds if what not in kind.cannot]
    for kind in kinds:
        if what in kind.cannot:
            report.say(f"broker: {kind.name} has no part in it: {kind.cannot[what]}")
    for number in range(rounds):
        for kind in able if number % 2 == 0 else list(reversed(able)):
            try:
                with Running(kind) as running:
                    done = work(running)
            except Missing as error:
                if kind.ours:
                    raise
                report.say(f"broker: {kind.name} did not do it: {error}")
                able = [other for other in able if other is not kind]
                samples.pop(kind, None)
            else:
                samples.setdefault(kind, []).append(done)
    return samples


def _timed(running: Running, pieces: int, work: Callable[[], object]) -> Work:
    """Return what a piece of work took."""
    ours = running.kind.ours
    if ours:
        running.gaps()
    gc.collect()
    wall, cpu = time.perf_counter(), running.cpu()
    work()
    wall, cpu = time.perf_counter() - wall, running.cpu() - cpu
    # The clock of another process goes in steps.
    return Work(pieces, wall, max(cpu, 1e-6), *(running.gaps() if ours else ()))


def _crowd(running: Running) -> Crowd:
    kind = running.kind
    return Crowd(running.port, kind.framing, kind.path, version=kind.version, at_a_time=kind.at_a_time)


# What is measured


def fan_out(running: Running, on_their_way: int) -> Work:
    """Let everybody get every message of one publisher.

    Raises:
        Missing: somebody did not get one, or got one twice.
    """
    kind = running.kind
    with _crowd(running) as crowd:
        crowd.open(SUBSCRIBERS)
        if kind.receipts:
            crowd.say_all(kind.framing(frame("SUBSCRIBE", id="0", destination=_TOPIC, receipt="r")))
            crowd.hear(SUBSCRIBERS)
        else:
            crowd.say_all(kind.framing(frame("SUBSCRIBE", id="0", destination=_TOPIC)))
        # A publisher of its own: there are brokers that send nobody what he has said himself.
        crowd.open(1)
        send = kind.framing(frame("SEND", _BODY, destination=_TOPIC, content_length=str(len(_BODY))))

        def publish(messages: int) -> None:
            crowd.say(SUBSCRIBERS, send * messages)
            crowd.hear(messages * SUBSCRIBERS)

        publish(1)
        publish(on_their_way)
        crowd.heard = [0] * len(crowd.heard)

        def work() -> None:
            for _ in range(_MESSAGES // on_their_way):
                publish(on_their_way)

        done = _timed(running, _MESSAGES * SUBSCRIBERS, work)
        if set(crowd.heard[:SUBSCRIBERS]) != {_MESSAGES}:
            raise Missing("not everybody got every message once")
        return done


def _queue(running: Running, on_their_way: int) -> Work:
    kind = running.kind
    with _crowd(running) as crowd:
        crowd.open(2)
        consumer, producer = 0, 1
        crowd.say(
            consumer,
            frame("SUBSCRIBE", id="0", destination=_QUEUE, ack=kind.ack, receipt="r"),
        )
        if not crowd.read(consumer).startswith(b"RECEIPT"):
            raise Missing("the subscription was not confirmed")
        send = frame("SEND", _BODY, destination=_QUEUE, content_length=str(len(_BODY)))

        def acknowledge(data: bytes) -> int:
            """Answer each message; return how many there were."""
            ids = settlements(data, kind.version)
            if kind.version == "1.2":
                acks = [b"ACK\nid:%b\n\n\0" % each for each in ids]
            else:
                acks = [b"ACK\nsubscription:0\nmessage-id:%b\n\n\0" % each for each in ids]
            crowd.say(consumer, b"".join(acks))
            return len(ids)

        def exchange(trips: int) -> None:
            window = min(on_their_way, trips)
            crowd.say(producer, send * window)
            sent, done = window, 0
            while done < trips:
                found = acknowledge(crowd.read(consumer))
                done += found
                more = min(found, trips - sent)
                if more:
                    crowd.say(producer, send * more)
                    sent += more
            # The last ACKs are part of it.
            crowd.say(consumer, frame("SEND", b"", destination="/topic/nobody", receipt="last"))
            if b"RECEIPT" not in crowd.read(consumer):
                raise Missing("more messages came than were sent")

        exchange(on_their_way)
        return _timed(running, _TRIPS, lambda: exchange(_TRIPS))


def _connect(running: Running) -> Work:
    with _crowd(running) as first, _crowd(running) as crowd:
        # The first connection pays for what a broker makes once.
        first.open(1)
        return _timed(running, _CONNECTS, lambda: crowd.open(_CONNECTS))


# Reports


def _median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def _rates(report: Report, title: str, name: str, unit: str, samples: dict[BrokerKind, list[Work]]) -> None:
    rows: list[list[str]] = []
    for kind, works in samples.items():
        by_cpu = _median([work.pieces / work.cpu for work in works])
        by_wall = _median([work.pieces / work.wall for work in works])
        row = [kind.name, f"{by_cpu:,.0f}", f"{1e6 / by_cpu:.1f}", f"{by_wall:,.0f}", "", ""]
        beside = report.figure(f"broker {name} {kind.name}", by_cpu, f"{unit} of CPU")
        report.figure(f"broker {name} {kind.name} wall", by_wall, unit)
        if kind.ours:
            gap_cpu = max(work.gap_cpu for work in works) * 1e3
            gap_wall = max(work.gap_wall for work in works) * 1e3
            row[4:] = [f"{gap_cpu:.0f}", f"{gap_wall:.0f}"]
            stall = report.figure(f"broker {name} {kind.name} stall", gap_cpu, "ms of CPU")
            beside = "; ".join(text for text in (beside, f"stall {stall}" if stall else "") if text)
        rows.append([*row, beside])
    columns = [
        "broker",
        f"{unit} of CPU",
        "us of CPU each",
        f"{unit}, wall",
        "longest stall, ms CPU",
        "ms wall",
        "target",
    ]
    report.table(title, columns, rows)


def _connects(report: Report, samples: dict[BrokerKind, list[Work]]) -> None:
    rows: list[list[str]] = []
    for kind, works in samples.items():
        cpu, wall = _median([work.cpu for work in works]), _median([work.wall for work in works])
        beside = report.figure(f"broker connects {kind.name}", cpu, "s of CPU")
        report.figure(f"broker connects {kind.name} wall", wall, "s")
        rows.append([kind.name, f"{cpu:.2f}", f"{wall:.2f}", beside])
    report.table(f"{_CONNECTS:,} connects", ["broker", "s of CPU", "s, wall", "target"], rows)


def _idle(report: Report, kinds: Sequence[BrokerKind]) -> None:
    """Count what idle connections hold, in the broker's process; the kernel's buffers are not in it."""
    rows: list[list[str]] = []
    for kind in kinds:
        try:
            with Running(kind) as running, _crowd(running) as crowd:
                crowd.open(100)
                before = running.memory()
                crowd.open(_IDLE)
                each = (running.memory() - before) / _IDLE / 1024
        except Missing as error:
            if kind.ours:
                raise
            report.say(f"broker: {kind.name} did not hold {_IDLE:,} connections: {error}")
            continue
        beside = report.figure(f"broker idle {kind.name}", each, "KiB")
        rows.append([kind.name, f"{each:.1f}", beside])
    report.table(f"{_IDLE:,} idle connections", ["broker", "KiB each", "target"], rows)
