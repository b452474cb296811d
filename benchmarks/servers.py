"""Against a real RabbitMQ: our adapters beside other clients, in the same run, on the same queues.

Sending with and without receipts, consuming with and without ACKs, round trips. Each row is the median of
several rounds, in which all take turns. This file must not know how a client is written.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.servers.rabbitmq import RabbitMQ
from tests.interop.servers.server import NotInstalled

from .report import Report
from .server_clients import BODY, VHOST, Contestant, fill
from .server_peers import contestants

__all__ = ["run"]


@dataclass(frozen=True, slots=True)
class Task:
    """Something that every client does with a queue, and how many messages it takes."""

    name: str
    what: str
    messages: int
    filled: bool = False
    """Whether the queue holds the messages already."""


TASKS = (
    Task("publish with receipts", "sent, and each confirmed; any number on their way", 3000),
    Task("publish", "sent without receipts; the last one confirmed", 5000),
    Task("consume, auto", "taken from a queue that is full", 5000, filled=True),
    Task(
        "consume, client-individual", "taken and acknowledged one by one, 100 on their way", 5000, filled=True
    ),
    Task("round trip", "sent to a queue and taken from it, one after the other", 500),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one client took for one task."""

    wall: float
    """Seconds a message."""
    cpu: float
    """Seconds of this process a message: all that is the client's own."""
    trips: tuple[float, ...]
    """Seconds of each round trip, where that is the task."""


def run(report: Report, *, rounds: int) -> None:
    """Start a RabbitMQ on free ports, measure, and stop it; say so if there is none."""
    try:
        server = RabbitMQ(Path(tempfile.mkdtemp(prefix="stomp-bench-")) / "rabbitmq")
    except NotInstalled as why:
        report.say(f"servers: skipped: {why}: './dev interop rabbitmq' installs it")
        return
    clients = contestants(report.say)
    server.start()
    try:
        # One of the peers can say no other virtual host than the host's name.
        server.control("add_vhost", VHOST)
        server.control("set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*")
        report.say(f"\nRabbitMQ {server.version()} on this machine, bodies of {len(BODY)} octets, over TCP")
        peers = [client.name for client in clients if not client.ours]
        for task in TASKS:
            _report(report, task, _measure(task, clients, server.tcp, min(rounds, 5)), peers)
    finally:
        server.stop()


def _measure(task: Task, clients: Sequence[Contestant], port: int, rounds: int) -> dict[str, Measured | str]:
    samples: dict[str, list[Measured]] = {client.name: [] for client in clients}
    failed: dict[str, str] = {}
    for number in range(rounds):
        for client in clients if number % 2 == 0 else list(reversed(clients)):
            if client.name in failed:
                continue
            try:
                samples[client.name].append(_once(task, client, port, f"{client.name}-{number}"))
            except Exception as error:  # a peer may fail in its own way; ours may not fail at all
                if client.ours:
                    raise
                failed[client.name] = f"{type(error).__name__}"
    return {name: failed.get(name) or _median(found) for name, found in samples.items()}


def _once(task: Task, client: Contestant, port: int, tag: str) -> Measured:
    queue = f"/queue/bench-{task.name.replace(' ', '-').replace(',', '')}-{tag}"
    if task.filled:
        fill(port, queue, task.messages)
    work: Callable[[int, str, int], list[float]] = {
        "publish with receipts": client.publish_confirmed,
        "publish": client.publish,
        "consume, auto": client.consume,
        "consume, client-individual": client.consume_and_ack,
        "round trip": client.round_trips,
    }[task.name]
    wall, cpu = time.perf_counter(), time.process_time()
    trips = work(port, queue, task.messages)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Measured(wall / task.messages, cpu / task.messages, tuple(trips))


def _median(found: Sequence[Measured]) -> Measured:
    return Measured(
        statistics.median(one.wall for one in found),
        statistics.median(one.cpu for one in found),
        tuple(trip for one in found for trip in one.trips),
    )


def _report(report: Report, task: Task, measured: dict[str, Measured | str], peers: Sequence[str]) -> None:
    trips = task.name == "round trip"
    shown = ("rate", "cpu", "p50", "p99") if trips else ("rate", "cpu")
    beside = [peer for peer in peers if isinstance(measured.get(peer), Measured)]
    columns = ["client", *(f"{_HEADS[measure]}{_against(beside)}" for measure in shown)]
    rows: list[list[str]] = []
    for name, one in measured.items():
        if isinstance(one, str):
            rows.append([name, one, *[""] * (len(columns) - 2)])
            continue
        cells: list[str] = []
        for measure in shown:
            value, unit, digits = _value(one, measure)
            report.figure(f"servers {task.name} {measure} {name}", value, unit)
            ratios: list[str] = []
            for peer in beside if name not in peers else ():
                other = measured[peer]
                assert isinstance(other, Measured), "only those that were measured stand beside"
                theirs = _value(other, measure)[0]
                ratio = value / theirs if measure == "rate" else theirs / value
                report.figure(f"servers {task.name} {measure} {name} against {peer}", ratio, "times")
                ratios.append(f"{ratio:.2f}")
            cells.append(f"{value:,.{digits}f}" + (f" ({' / '.join(ratios)})" if ratios else ""))
        rows.append([name, *cells])
    report.table(f"{task.name}: {task.what}", columns, rows)


_HEADS = {"rate": "messages/s", "cpu": "CPU us/message", "p50": "p50 ms", "p99": "p99 ms"}


def _against(peers: Sequence[str]) -> str:
    return f" (times better than {' / '.join(peers)})" if peers else ""


def _value(one: Measured, measure: str) -> tuple[float, str, int]:
    """Return a measure of what one client took, its unit, and how many digits of it mean something."""
    match measure:
        case "rate":
            return 1 / one.wall, "messages/s", 0
        case "cpu":
            return one.cpu * 1e6, "us", 0
        case _:
            ordered = sorted(one.trips)
            return ordered[int(len(ordered) * (0.5 if measure == "p50" else 0.99))] * 1e3, "ms", 2
