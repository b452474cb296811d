"""A capture as a picture: a sequence diagram in SVG that needs nothing else, light or dark as the
reader has it.

What lives here draws. It must not know what the steps mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .records import Record
from .steps import Arrow, Step, steps_of
from .visible import shortened, width_of

__all__ = ["render_svg"]

_WIDTH = 960
_LEFT, _RIGHT = 130, 930
_ROW = 30
_TOP = 64
_COLUMN = 7.3
"""About how wide a character of the font is."""
_STYLE = """
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .pale { fill: #59636e }
  .life { stroke: #8c959f; stroke-width: 1; stroke-dasharray: 3 4 }
  .frame { stroke: #0969da; stroke-width: 1.5 } .head { fill: #0969da }
  .weak { stroke: #818b98; stroke-dasharray: 5 4 } .weakhead { fill: #818b98 }
  .fault { fill: #d1242f } .wrong { stroke: #d1242f; stroke-width: 1.5 }
  .box { fill: #ddf4ff; stroke: #0969da }
  text { font: 12px ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace }
  .name { font-weight: bold; font-size: 13px }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #e6edf3 } .pale { fill: #9198a1 }
    .life { stroke: #656c76 } .frame { stroke: #4493f8 } .head { fill: #4493f8 }
    .weak { stroke: #7d8590 } .weakhead { fill: #7d8590 } .fault { fill: #ff7b72 } .wrong { stroke: #ff7b72 }
    .box { fill: #121d2f; stroke: #4493f8 }
  }
"""


def render_svg(records: Iterable[Record]) -> str:
    """Return the diagram of a capture as an SVG document: for a file, or to stand in HTML as it is.

    Raises:
        CaptureError: as `read`, whose records these are.
    """
    steps = list(steps_of(records))
    bottom = _TOP + _ROW * len(steps) + 16
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + 12}" width="{_WIDTH}" '
        f'height="{bottom + 12}" role="img">',
        "<title>Sequence diagram of a STOMP capture</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{bottom + 12}"/>',
        f'<text class="pale" x="12" y="{_TOP - 24}">seconds</text>',
    ]
    for place, name in ((_LEFT, "client"), (_RIGHT, "server")):
        middle = min(place, _WIDTH - 48)
        lines.append(f'<line class="life" x1="{place}" y1="{_TOP - 14}" x2="{place}" y2="{bottom}"/>')
        lines.append(f'<rect class="box" x="{middle - 40}" y="{_TOP - 44}" width="80" height="28" rx="5"/>')
        lines.append(
            f'<text class="ink name" x="{middle}" y="{_TOP - 25}" text-anchor="middle">{name}</text>'
        )
    several = len({step.stream for step in steps if step.stream is not None}) > 1
    for number, step in enumerate(steps):
        lines += _drawn(step, _TOP + _ROW * number + 18, several)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _drawn(step: Step, y: int, several: bool) -> list[str]:
    time = f"{step.time:.3f}" + (f" #{step.stream}" if several and step.stream is not None else "")
    lines = [f'<text class="pale" x="12" y="{y}">{time}</text>']
    text = shortened(step.text, int((_RIGHT - _LEFT - 44) / _COLUMN))
    ink = "fault" if step.fault else "pale" if step.weak else "ink"
    full = f"<title>{escape(step.text)}</title>" if text != step.text else ""
    middle = (_LEFT + _RIGHT) // 2
    if step.arrow is Arrow.BOTH:
        half = int(width_of(text) * _COLUMN / 2) + 10
        lines.append(
            f'<rect class="paper" x="{middle - half}" y="{y - 13}" width="{2 * half}" height="18"/>'
            f'<text class="{ink}" x="{middle}" y="{y}" text-anchor="middle">{escape(text)}{full}</text>'
        )
        return lines
    to_server = step.arrow is Arrow.TO_SERVER
    stroke = "wrong" if step.fault else "weak" if step.weak else "frame"
    head = "fault" if step.fault else "weakhead" if step.weak else "head"
    tip, back = (_RIGHT - 2, _RIGHT - 11) if to_server else (_LEFT + 2, _LEFT + 11)
    lines.append(f'<line class="{stroke}" x1="{_LEFT + 2}" y1="{y + 5}" x2="{_RIGHT - 2}" y2="{y + 5}"/>')
    lines.append(f'<path class="{head}" d="M{tip} {y + 5} L{back} {y} L{back} {y + 10} Z"/>')
    anchor, x = ("start", _LEFT + 16) if to_server else ("end", _RIGHT - 16)
    lines.append(f'<text class="{ink}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}{full}</text>')
    return lines
