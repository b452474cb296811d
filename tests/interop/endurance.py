"""Which faults are played with which servers, and the page that tells what came of it.

This file must not know how a fault is done.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .colours import COLOURS
from .faults import FAULTS, HEARTBEAT, Count, play_cluster, play_fault
from .matrix import made_by
from .servers.all import SERVERS
from .servers.cluster import Cluster

__all__ = ["Played", "page", "play_all", "play_cluster_of_three"]

_NOTICED = 2 * HEARTBEAT + 1
"""Seconds within which silence must be noticed: interval x tolerance + 1 s."""

_SLACK = 0.25
"""Seconds for this machine to run the client at all, while a server starts beside it."""


@dataclass(frozen=True)
class Played:
    """A fault and what came of it."""

    where: str
    what: str
    adapter: str
    count: Count | None
    problems: tuple[str, ...]
    """What is not as it must be; empty when all is well."""

    def __str__(self) -> str:
        verdict = "; ".join(self.problems) or "as it must be"
        return f"{self.where}, {self.adapter}: {self.what}: {self.count}: {verdict}"


def play_all(
    keys: Sequence[str],
    folder: Path,
    adapters: Sequence[str],
    transports: Sequence[str],
    messages: int,
    report: Callable[[Played], None],
) -> list[Played]:
    """Play every fault with each server, by each of the adapters, over each of the transports that it has;
    over its first one, if it has none of them.

    Raises:
        NotInstalled: a server cannot be had.
        DidNotStart: a server did not come up.
    """
    found: list[Played] = []
    for key in keys:
        server = SERVERS[key](folder / f"faults-{key}")
        server.start()
        doors = [door for door in server.doors if door.transport in transports] or server.doors[:1]
        ours = [colour for colour in COLOURS if colour.name in adapters]
        try:
            for door, colour, fault in itertools.product(doors, ours, FAULTS.values()):
                where = f"{server.name} by {door.transport}"
                if door.transport in server.traits.max_unconfirmed:
                    where += f", max_unconfirmed={server.traits.max_unconfirmed[door.transport]}"
                try:
                    count = play_fault(fault, server, door, colour, messages)
                except TimeoutError as late:
                    played = Played(where, fault.what, colour.name, None, (str(late),))
                else:
                    problems = _problems(count, notices=fault.notices)
                    played = Played(where, fault.what, colour.name, count, problems)
                found.append(played)
                report(played)
        finally:
            server.stop()
    return found


def play_cluster_of_three(
    folder: Path, adapters: Sequence[str], messages: int, report: Callable[[Played], None]
) -> list[Played]:
    """Kill the node that a client talks to, once for each adapter, in a fresh cluster each time.

    Raises:
        NotInstalled: there is no RabbitMQ here.
        DidNotStart: a node did not come up.
    """
    found: list[Played] = []
    for colour in COLOURS:
        if colour.name not in adapters:
            continue
        cluster = Cluster(folder / f"cluster-{colour.name}")
        where, what = "RabbitMQ, three nodes, a quorum queue", "the node that the client talks to is killed"
        try:
            cluster.start()
            members = cluster.members()
            count = play_cluster(cluster, colour, messages)
            problems = _problems(count, notices=False)
            if members != 3:
                problems = (*problems, f"the cluster had {members} members")
            played = Played(where, what, colour.name, count, problems)
        except TimeoutError as late:
            played = Played(where, what, colour.name, None, (str(late),))
        finally:
            cluster.stop()
        found.append(played)
        report(played)
    return found


def _problems(count: Count, *, notices: bool) -> tuple[str, ...]:
    """Judge a count: nothing that was confirmed is lost, everything is accounted for, silence is noticed."""
    problems: list[str] = []
    if count.lost:
        problems.append(f"{count.lost} confirmed messages are lost")
    if count.confirmed + count.unknown != count.sent:
        problems.append(f"{count.sent - count.confirmed - count.unknown} messages are unaccounted for")
    if not count.losses:
        problems.append("no connection was lost: nothing was shown")
    late = count.noticed_after is None or count.noticed_after > _NOTICED + _SLACK
    if notices and late:
        problems.append(f"silence was noticed after {count.noticed_after} s, not within {_NOTICED:g} s")
    return tuple(problems)


def page(title: str, played: Sequence[Played], versions: Mapping[str, str], command: str) -> str:
    """Return the page."""
    lines = [
        f"# {title}",
        "",
        f"{made_by(command)} The page is written by that command alone.",
        "",
        "Messages are sent with receipts, and consumed at the same time with ack=client-individual, both",
        "through the fault, which strikes when a third is confirmed. *Lost* is what was confirmed and never",
        "came: it must be 0. *Duplicates* are deliveries beyond the first: at least once means that there",
        "are some. *Out of order* are first deliveries that came behind a later message. *Noticed* is how",
        "long the first loss took to be seen, from the fault or from the last octet that came",
        f"after it: with heart-beats every {HEARTBEAT:g} s, silence must be noticed within {_NOTICED:g} s",
        "(interval x tolerance + 1 s).",
        "",
        f"Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}.",
        "",
        "| server | fault | adapter | sent | confirmed | unknown | lost | duplicates | out of order "
        "| connections lost | noticed | took |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in played:
        start = f"| {one.where} | {one.what} | {one.adapter} |"
        if one.count is None:
            lines.append(f"{start} **FAILED**: {'; '.join(one.problems)} |")
            continue
        count = one.count
        noticed = count.noticed_after
        cells = [count.sent, count.confirmed, count.unknown, count.lost, count.duplicates, count.misordered]
        cells.append(len(count.losses))
        times = ["" if noticed is None else f"{noticed:.2f} s", f"{count.seconds:.0f} s"]
        lines.append(f"{start} {' | '.join([*map(str, cells), *times])} |")
    problems = [f"- **{one.where}, {one.adapter}**: {why}" for one in played for why in one.problems]
    return "\n".join([*lines, *(["", *problems] if problems else [])]) + "\n"
