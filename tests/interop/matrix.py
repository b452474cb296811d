"""The results as a page: a table for each server, a row for each scenario, a column for each transport.

This file must not know how a result came about.
"""

from __future__ import annotations

import datetime
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from .running import Outcome, Result
from .scenarios import SCENARIOS

__all__ = ["made_by", "matrix", "summary"]

_SIGNS = {
    Outcome.WORKS: "yes",
    Outcome.LACKS: "no",
    Outcome.LEFT_OUT: "-",
    Outcome.NOT_THERE: "not yet",
    Outcome.FAILED: "**FAILED**",
}

_WORST = (Outcome.FAILED, Outcome.LACKS, Outcome.WORKS, Outcome.LEFT_OUT, Outcome.NOT_THERE)
"""What a cell shows where adapters differ: the first of these."""


_ORDER = ("tcp", "tls", "ws", "wss", "websocket", "xhr-streaming", "xhr-polling")


def summary(results: Iterable[Result]) -> str:
    """Return how many results there are of each kind."""
    counts = Counter(result.outcome for result in results)
    return ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])


def made_by(command: str) -> str:
    """Say what made a page, when, and with what."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"Made by `{command}` on {today}, with {python}."


_HEAD = """# Servers, transports, scenarios

*yes*: shown. *no*: the server cannot, which was shown too; the reason is below the table. *-*: makes no
sense there. A cell speaks for every adapter named above its table. Each table says what made it, and when:
the page is written by that command alone, a table for each server that it was told to try.
"""

_SCENARIOS = "The scenarios"
_NOT_TRIED = "Not tried"


def matrix(
    results: Sequence[Result],
    versions: Mapping[str, str],
    skipped: Mapping[str, str],
    command: str,
    before: str = "",
) -> str:
    """Return the page: with the tables of a page from before, for servers that were not tried now."""
    sections = {title: text for title, text in _sections(before) if title not in (_SCENARIOS, _NOT_TRIED)}
    for server, version in versions.items():
        ours = [result for result in results if result.server == server]
        if ours:
            # Another version of the same server takes the place of the one before.
            kept = {title: text for title, text in sections.items() if title.rpartition(" ")[0] != server}
            sections = kept | {f"{server} {version}": "\n".join(_table(ours, command))}
    if skipped:
        sections[_NOT_TRIED] = "\n".join(
            f"- {server}: {why.splitlines()[0]}" for server, why in skipped.items()
        )
    sections[_SCENARIOS] = "\n".join(f"- `{scenario.name}`: {scenario.what}" for scenario in SCENARIOS)
    return "\n".join([_HEAD, *(f"## {title}\n\n{text}\n" for title, text in sections.items())])


def _sections(page: str) -> list[tuple[str, str]]:
    """Return the title and the text of each section of a page."""
    parts = (part.partition("\n") for part in page.split("\n## ")[1:])
    return [(title, text.strip()) for title, _, text in parts]


def _table(results: Sequence[Result], command: str) -> list[str]:
    found = dict.fromkeys(result.transport for result in results)
    transports = [name for name in _ORDER if name in found] + [name for name in found if name not in _ORDER]
    played = [result for result in results if result.scenario]
    adapters = sorted({result.adapter for result in played})
    lines = [f"{made_by(command)} Adapters: {', '.join(adapters) or 'none'}.", ""]
    if adapters:
        lines.append("| scenario | " + " | ".join(transports) + " |")
        lines.append("|---" * (len(transports) + 1) + "|")
    reasons: dict[str, list[str]] = {}
    for scenario in SCENARIOS:
        row = [result for result in played if result.scenario == scenario.name]
        if not row:
            continue
        cells: list[str] = []
        for transport in transports:
            cell = [result for result in row if result.transport == transport]
            cells.append(_cell(cell) if cell else _SIGNS[Outcome.NOT_THERE])
        lines.append(f"| `{scenario.name}` | " + " | ".join(cells) + " |")
        for result in row:
            if result.why:
                names = reasons.setdefault(result.why, [])
                if scenario.name not in names:
                    names.append(scenario.name)
    missing = sorted({result.why for result in results if result.outcome is Outcome.NOT_THERE})
    if reasons or missing:
        lines.append("")
    lines += [f"- {', '.join(f'`{name}`' for name in names)}: {why}" for why, names in reasons.items()]
    lines += [f"- not yet: {why}" for why in missing]
    return lines


def _cell(results: Sequence[Result]) -> str:
    outcomes = {result.outcome for result in results}
    worst = next(outcome for outcome in _WORST if outcome in outcomes)
    if worst is Outcome.FAILED:
        failed = sorted({result.adapter for result in results if result.outcome is worst})
        return f"{_SIGNS[worst]} {', '.join(failed)}" if len(failed) < len(results) else _SIGNS[worst]
    return _SIGNS[worst]
