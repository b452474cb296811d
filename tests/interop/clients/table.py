"""What foreign clients could do with the broker, as a page: a row for each task, a column for each client.

This file must not know how a result came about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..matrix import made_by
from .playing import Outcome, Played
from .tasks import TASKS

__all__ = ["page"]

_HEAD = """# Clients of others

Clients that nobody here wrote, against the library's own broker: `serve()` of `stomp_asyncio` and of
`stomp_trio`, a fresh one for each client. *yes*: shown, against both. *no*: the client cannot; the reason is
below the table. *-*: makes no sense there. The page is written by that command alone.
"""


def page(results: Sequence[Played], skipped: Mapping[str, str], command: str) -> str:
    """Return the page."""
    clients = list(dict.fromkeys(played.client for played in results))
    runtimes = ", ".join(dict.fromkeys(played.runtime for played in results))
    versions = {played.client: played.version for played in results}
    lines = [_HEAD, f"{made_by(command)} The broker ran with {runtimes or 'nothing'}.", ""]
    lines += [f"- {client}: {versions[client]}" for client in clients]
    lines += [f"- {client}: not tried: {why}" for client, why in skipped.items()]
    lines += ["", "| task | " + " | ".join(clients) + " |", "|---" * (len(clients) + 1) + "|"]
    for task in TASKS:
        cells = [_cell(task, [played for played in results if played.client == client]) for client in clients]
        lines.append(f"| `{task}` | " + " | ".join(cells) + " |")
    reasons = dict.fromkeys(
        f"- {played.client}, `{task}`: {why}"
        for played in results
        for task, (outcome, why) in played.outcomes.items()
        if outcome is not Outcome.WORKS
    )
    lines += ["", *reasons, "", "## The tasks", ""]
    lines += [f"- `{task}`: {what}" for task, what in TASKS.items()]
    return "\n".join(lines) + "\n"


def _cell(task: str, results: Sequence[Played]) -> str:
    outcomes = [played.outcomes[task][0] for played in results if task in played.outcomes]
    if not outcomes:
        return "-"
    if Outcome.FAILED in outcomes:
        return "**FAILED**"
    return "no" if Outcome.CANNOT in outcomes else "yes"
