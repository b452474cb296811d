"""`python -m tools.pictures [--check]`: draws docs/states.md and its pictures from the tables of states.

The tables are blind to roles; a picture is one role's view of them: "we send", "we receive". This file must
not know any rule that is not in the tables.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from stomp_sansio import Sender, State
from stomp_sansio.protocol.commands import COMMANDS
from stomp_sansio.protocol.states import ENDINGS, TRANSITIONS
from tools import piping

__all__ = ["main", "pages"]

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

TITLES = {Sender.CLIENT: "Connection: the client", Sender.SERVER: "ServerConnection: the server"}


class Edge(NamedTuple):
    """All that leads from one state to another, as one role sees it."""

    start: State
    end: State
    sent: tuple[str, ...]
    received: tuple[str, ...]
    endings: tuple[str, ...]
    """What is no frame."""


def edges(role: Sender) -> list[Edge]:
    """Return the edges of a role's picture, in the order of the states."""
    found: list[Edge] = []
    for start in State:
        for end in State:
            commands = [
                command for (state, command), to in TRANSITIONS.items() if (state, to) == (start, end)
            ]
            sent = tuple(command for command in commands if COMMANDS[command].sender is role)
            received = tuple(command for command in commands if COMMANDS[command].sender is not role)
            endings = tuple(ending.value for ending, states in ENDINGS.items() if start in states)
            endings = endings if end is State.CLOSED else ()
            if sent or received or endings:
                found.append(Edge(start, end, sent, received, endings))
    return found


def listed(commands: Sequence[str]) -> str:
    """Return alternatives as people write them."""
    return " or ".join([*([", ".join(commands[:-1])] if commands[:-1] else []), commands[-1]])


# Mermaid


def mermaid(role: Sender) -> str:
    """Return a role's picture as a Mermaid diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.IDLE.name}"]
    for edge in edges(role):
        said = [f"we send {listed(edge.sent)}"] if edge.sent else []
        said += [f"we receive {listed(edge.received)}"] if edge.received else []
        label = "<br/>".join([*said, *edge.endings])
        lines.append(f"    {edge.start.name} --> {edge.end.name}: {label}")
    lines.append(f"    {State.CLOSED.name} --> [*]")
    return "\n".join(lines)


# SVG: the states of a conversation one below the other, and its end as a wall on the right

WIDTH, WALL_LEFT, WALL_RIGHT = 1_120, 900, 1_080
BOX_LEFT, BOX_WIDTH, BOX_HEIGHT = 330, 210, 56
TOPS = {State.IDLE: 90, State.CONNECTING: 250, State.CONNECTED: 420, State.DISCONNECTING: 620}
LINE = 19
"""Pixels from one line of a label to the next."""
COLOURS = {"sent": "#0b5cad", "received": "#1a7f37", "ending": "#6e4a00"}

STYLE = """
text { font-family: "DejaVu Sans", Verdana, sans-serif; font-size: 14px; fill: #1f2328; }
.title { font-size: 20px; font-weight: bold; }
.state { font-weight: bold; font-size: 15px; text-anchor: middle; }
.box { fill: #eef3fa; stroke: #44546a; stroke-width: 1.5; }
.wall { fill: #f6eeee; stroke: #6b3a3a; stroke-width: 1.5; }
.edge { fill: none; stroke: #44546a; stroke-width: 1.5; marker-end: url(#tip); }
""".strip()


class Said(NamedTuple):
    """One line of a label."""

    kind: str
    text: str


def label(edge: Edge, width: int) -> list[Said]:
    """Return the lines of an edge's label, commands broken at about so many characters."""
    lines: list[Said] = []
    for kind, verb, commands in (("sent", "we send", edge.sent), ("received", "we receive", edge.received)):
        if commands:
            lines += [Said(kind, text) for text in wrapped(f"{verb} {listed(commands)}", width)]
    return lines + [Said("ending", ending) for ending in edge.endings]


def wrapped(text: str, width: int) -> Iterator[str]:
    """Break a text at blanks."""
    line = ""
    for word in text.split(" "):
        if line and len(line) + len(word) + 1 > width:
            yield line
            line = "   " + word
        else:
            line = f"{line} {word}" if line else word
    yield line


def text(x: float, y: float, lines: Sequence[Said], anchor: str) -> Iterator[str]:
    """Draw the lines of a label, the first with its base line at y."""
    for number, said in enumerate(lines):
        place = f'x="{x}" y="{y + number * LINE}" text-anchor="{anchor}" xml:space="preserve"'
        yield f'<text {place} style="fill: {COLOURS[said.kind]}">{escape(said.text)}</text>'


def svg(role: Sender) -> str:
    """Return a role's picture as an SVG document."""
    bottom = max(TOPS.values()) + BOX_HEIGHT + 50
    height = bottom + 40
    middle = BOX_LEFT + BOX_WIDTH / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(TITLES[role])}">',
        f"<style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" '
        'orient="auto-start-reverse"><path d="M0,0 L10,5 L0,10 z" fill="#44546a"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text class="title" x="30" y="42">{escape(TITLES[role])}</text>',
    ]
    for state, top in TOPS.items():
        place = f'x="{BOX_LEFT}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="10"'
        parts.append(f'<rect class="box" {place}/>')
        parts.append(f'<text class="state" x="{middle}" y="{top + BOX_HEIGHT / 2 + 5}">{state.name}</text>')
    top, width = min(TOPS.values()) - 20, WALL_RIGHT - WALL_LEFT
    place = f'x="{WALL_LEFT}" y="{top}" width="{width}" height="{bottom + 20 - top}" rx="10"'
    parts.append(f'<rect class="wall" {place}/>')
    place = f'x="{WALL_LEFT + width / 2}" y="{(top + bottom + 20) / 2}"'
    parts.append(f'<text class="state" {place}>{State.CLOSED.name}</text>')
    for edge in edges(role):
        parts += drawn(edge)
    return "\n".join([*parts, "</svg>", ""])


def drawn(edge: Edge) -> Iterator[str]:
    """Draw an edge with its label: to itself on the left, to the end on the right, else downwards."""
    top = TOPS[edge.start]
    half = top + BOX_HEIGHT / 2
    if edge.start is edge.end:
        left, low = BOX_LEFT - 70, top + BOX_HEIGHT
        path = f"M{BOX_LEFT},{top + 14} C{left},{top - 14} {left},{low + 14} {BOX_LEFT},{low - 14}"
        lines = label(edge, 32)
        yield f'<path class="edge" d="{path}"/>'
        yield from text(28, half + 5 - (len(lines) - 1) * LINE / 2, lines, "start")
    elif edge.end is State.CLOSED:
        lines = label(edge, 44)
        above = [said for said in lines if said.kind != "ending"]
        below = [said for said in lines if said.kind == "ending"]
        right = BOX_LEFT + BOX_WIDTH
        yield f'<path class="edge" d="M{right},{half} L{WALL_LEFT},{half}"/>'
        yield from text(right + 20, half - 10 - (len(above) - 1) * LINE, above, "start")
        yield from text(right + 20, half + 20, below, "start")
    else:
        middle = BOX_LEFT + BOX_WIDTH / 2
        start, end = top + BOX_HEIGHT, TOPS[edge.end]
        lines = label(edge, 44)
        yield f'<path class="edge" d="M{middle},{start} L{middle},{end}"/>'
        yield from text(middle - 14, (start + end) / 2 + 5 - (len(lines) - 1) * LINE / 2, lines, "end")


# The page


def page() -> str:
    """Return docs/states.md."""
    parts = [
        "# States",
        "",
        "<!-- Made by `python -m tools.pictures` from stomp_sansio/protocol/states.py: change that. -->",
        "",
        "A conversation of a client and a server has one state, and both sides go through it: what one",
        "sends, the other receives. A frame that is not drawn in a state is not allowed there: said by us,",
        "it raises `LocalProtocolError` and nothing changes; said by the peer, it ends the connection. What",
        "leads to CLOSED without a frame is drawn where at least one of the two sides can meet it.",
        "",
        "| state | meaning |",
        "|---|---|",
    ]
    parts += [f"| {state.name} | {meaning} |" for state, meaning in MEANINGS.items()]
    for role in Sender:
        parts += [
            "",
            f"## {TITLES[role]}",
            "",
            f"![{TITLES[role]}](pictures/states-{role.value}.svg)",
            "",
            "```mermaid",
            mermaid(role),
            "```",
        ]
    return "\n".join([*parts, ""])


MEANINGS = {
    State.IDLE: "Nothing was said yet: the client must begin.",
    State.CONNECTING: "The client has asked for a connection, and the server has not answered.",
    State.CONNECTED: "The server has accepted.",
    State.DISCONNECTING: "The client has said good-bye: it only listens, and the server only finishes.",
    State.CLOSED: "Over, for whatever reason. A connection is never used again.",
}


def pages() -> dict[Path, str]:
    """Return every file that this program makes, with its content."""
    made = {DOCS / "pictures" / f"states-{role.value}.svg": svg(role) for role in Sender}
    made[DOCS / "states.md"] = page()
    return made


def main(argv: Sequence[str]) -> int:
    """Write the files, or with --check tell which are stale; return the exit status."""
    stale = [path for path, content in pages().items() if not path.exists() or path.read_text() != content]
    if "--check" in argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: python -m tools.pictures")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages()[path])
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(piping.run(main))
