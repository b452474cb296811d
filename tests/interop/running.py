"""Runs scenarios in cells: idlers side by side, the others a few at a time, the server's restart last.

This file must not know what a scenario does, nor how results are shown.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from stomp_sansio.protocol.limits import Limits
from stomp_sansio.targets import Routing, targets

from .colours import COLOURS, Colour
from .exchange import Exchange, Gate, Scenario
from .scenarios import SCENARIOS
from .servers.server import Door, Server

__all__ = ["Outcome", "Result", "run_server"]

_WORKERS = 3


class Outcome(Enum):
    """What became of a scenario in a cell."""

    WORKS = "works"
    LACKS = "lacks"
    """It failed, as the server's traits say it must."""
    LEFT_OUT = "left out"
    """It makes no sense there."""
    NOT_THERE = "not there yet"
    """The library does not have the adapter or the link."""
    FAILED = "FAILED"


@dataclass(frozen=True)
class Result:
    """What became of a scenario in a cell, and why."""

    server: str
    transport: str
    adapter: str
    scenario: str
    outcome: Outcome
    why: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        where = f"{self.server} {self.transport} {self.adapter}"
        return f"{where}: {self.scenario}: {self.outcome.value}{f' ({self.why})' if self.why else ''}"


def run_server(
    server: Server,
    *,
    names: Sequence[str] = (),
    transports: Sequence[str] = (),
    adapters: Sequence[str] = (),
    report: Callable[[Result], None],
) -> list[Result]:
    """Run the scenarios, all or those named, over each way into a server that runs; return the results.

    `report` is told each result at once.
    """
    results: list[Result] = []
    lock = threading.Lock()

    def done(result: Result) -> None:
        with lock:
            results.append(result)
            report(result)

    cells: list[tuple[Colour, Door]] = []
    for door in server.doors:
        if transports and door.transport not in transports:
            continue
        for colour in COLOURS:
            if adapters and colour.name not in adapters:
                continue
            missing = _missing(colour, door)
            if missing is None:
                cells.append((colour, door))
            else:
                done(Result(server.name, door.transport, colour.name, "", Outcome.NOT_THERE, missing))
    wanted = [scenario for scenario in SCENARIOS if not names or scenario.name in names]
    played: list[tuple[Scenario, Colour, Door]] = []
    for scenario in wanted:
        for colour, door in cells:
            why = server.traits.leaves_out.get(scenario.name)
            if scenario.only and door.transport not in scenario.only:
                why = scenario.why_only
            if why is None:
                played.append((scenario, colour, door))
            else:
                done(Result(server.name, door.transport, colour.name, scenario.name, Outcome.LEFT_OUT, why))
    idle = [item for item in played if item[0].idles]
    events = [item for item in played if item[0].event is not None]
    others = [item for item in played if not item[0].idles and item[0].event is None]

    def play(item: tuple[Scenario, Colour, Door]) -> None:
        done(_play(server, *item))

    idlers = [_in_thread(partial(play, item)) for item in idle]
    with ThreadPoolExecutor(_WORKERS) as pool:
        for future in [pool.submit(play, item) for item in others]:
            future.result()
    _join(idlers)
    if events:
        _play_event(server, events, done)
    return results


def _play_event(
    server: Server, items: Sequence[tuple[Scenario, Colour, Door]], done: Callable[[Result], None]
) -> None:
    """Let all cells come to the gate, restart the server, and let them go on."""
    gate = Gate()

    def play(item: tuple[Scenario, Colour, Door]) -> None:
        done(_play(server, *item, gate=gate))

    threads = [_in_thread(partial(play, item)) for item in items]
    end = time.monotonic() + 60
    while any(thread.is_alive() for thread in threads) and time.monotonic() < end:
        if gate.arrived >= sum(thread.is_alive() for thread in threads):
            break
        time.sleep(0.05)
    server.stop()
    server.start()
    gate.opened = True
    _join(threads)


def _play(server: Server, scenario: Scenario, colour: Colour, door: Door, gate: Gate | None = None) -> Result:
    """Play a scenario in one cell."""
    started = time.monotonic()
    outcome, why = Outcome.WORKS, ""
    error = _end(server, scenario, colour, door, gate)
    uneven = server.traits.uneven.get(door.transport)
    if uneven is not None and gate is None and isinstance(error, ConnectionError):
        why = f"at the second try: {uneven}"
        error = _end(server, scenario, colour, door, gate)
    failure = "" if error is None else f"{type(error).__name__}: {error}"
    lack = server.traits.why_not(scenario.name, door.transport)
    if lack is not None:
        outcome, why = Outcome.LACKS, lack
        if not failure:
            outcome, why = Outcome.FAILED, f"it works, and was said not to: {lack}"
    elif failure:
        outcome, why = Outcome.FAILED, failure
    took = time.monotonic() - started
    return Result(server.name, door.transport, colour.name, scenario.name, outcome, why, took)


def _end(
    server: Server, scenario: Scenario, colour: Colour, door: Door, gate: Gate | None
) -> Exception | None:
    """Play a scenario once; return what it ended with."""
    exchange = Exchange(colour, server, door, gate)

    async def play() -> None:
        await colour.within(scenario.seconds, lambda: scenario.play(exchange))

    try:
        colour.run(play)
    except Exception as error:  # whatever a scenario ends with is its result
        return error
    return None


def _missing(colour: Colour, door: Door) -> str | None:
    """Return what the library lacks for a cell, or None."""
    try:
        importlib.import_module(colour.name)
    except ImportError as error:
        return f"{colour.name} cannot be imported: {error}"
    routing = Routing(
        transports=door.transports, environ={}, token_bytes=bytes, limits=Limits.client(), proxy=None
    )
    try:
        targets(door.url, routing)
    except (NotImplementedError, ImportError):
        return f"no link for {door.url.partition(':')[0]}:// yet"
    return None


def _in_thread(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def _join(threads: Iterable[threading.Thread]) -> None:
    for thread in threads:
        thread.join()
