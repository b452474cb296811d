"""The latencies of a measurement as a picture: a histogram and the percentiles, in one SVG.

A function of the figures. This file must not know files, nor how anything was measured.
"""

from __future__ import annotations

import math
from html import escape

from .bench_figures import PERCENTILES, Figures, Samples, percentile
from .escapes import escaped

__all__ = ["plot"]

_WIDTH, _HEIGHT = 760, 560
_LEFT, _RIGHT = 70, 24
_PLOT = _WIDTH - _LEFT - _RIGHT
_BINS = 60
_COLOURS = {"alone": "#0072b2", "together": "#d55e00"}
"""Blue and vermilion, which people who see fewer colours tell apart as well."""

_TOPS = (84, 326)
_EACH = 170
"""The height of each of the two drawings."""

# The share of messages that each place of the second drawing leaves above it.
_SHARES = (0.5, 0.1, 0.01, 0.001, 0.0001)


def plot(figures: Figures, *, destination: str) -> str:
    """Return an SVG of both parts: how often each latency was seen, and what the slowest had to wait."""
    parts = [(name, samples) for name, samples in _named(figures) if samples.latencies]
    everything = [latency for _, samples in parts for latency in samples.latencies]
    low, high = (min(everything), max(everything)) if everything else (0.001, 0.01)
    scale = _Scale(low, high)
    # XML holds no control characters, however they are written.
    title = f"{figures.size:,} octets to {escaped(destination)} and back"
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="{escape(title)}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 26, title, size=15),
        *_legend(figures, parts),
        *_histogram(parts, scale),
        *_curve(parts, scale),
        "</svg>",
    ]
    return "\n".join(drawn) + "\n"


def _named(figures: Figures) -> list[tuple[str, Samples]]:
    return [("alone", figures.alone), ("together", figures.together)]


class _Scale:
    """Latencies on a logarithmic axis."""

    def __init__(self, low: float, high: float) -> None:
        self.low = max(low, 1e-6)
        self.high = max(high, self.low * 1.5)
        self._log = math.log(self.low)
        self._span = math.log(self.high) - self._log

    def part(self, latency: float) -> float:
        """Return where a latency is, from 0 to 1."""
        return min(1.0, max(0.0, (math.log(max(latency, 1e-9)) - self._log) / self._span))

    def ticks(self) -> list[float]:
        """Return round latencies on the axis."""
        found: list[float] = []
        for exponent in range(-6, 3):
            found += [digit * 10.0**exponent for digit in (1, 2, 5)]
        return [tick for tick in found if self.low <= tick <= self.high]


def _legend(figures: Figures, parts: list[tuple[str, Samples]]) -> list[str]:
    names = {"alone": "one at a time", "together": f"{figures.window:,} at once"}
    drawn: list[str] = []
    for row, (name, samples) in enumerate(parts):
        ordered = sorted(samples.latencies)
        said = ", ".join(
            f"p{percent} {percentile(ordered, percent) * 1_000:.2f} ms" for percent in PERCENTILES
        )
        y = 46 + 18 * row
        drawn.append(f'<rect x="{_LEFT}" y="{y - 10}" width="12" height="12" fill="{_COLOURS[name]}"/>')
        drawn.append(_text(_LEFT + 18, y, f"{names[name]}: {samples.rate:,.0f} messages a second, {said}"))
    return drawn


def _histogram(parts: list[tuple[str, Samples]], scale: _Scale) -> list[str]:
    top, bottom = _TOPS[0], _TOPS[0] + _EACH
    drawn = _frame(top, "share of the messages")
    for name, samples in parts:
        counts = [0] * _BINS
        for latency in samples.latencies:
            counts[min(_BINS - 1, int(scale.part(latency) * _BINS))] += 1
        most = max(counts)
        width = _PLOT / _BINS
        drawn += [
            f'<rect x="{_LEFT + index * width:.1f}" y="{bottom - _EACH * count / most:.1f}" '
            f'width="{width - 0.5:.1f}" height="{_EACH * count / most:.1f}" fill="{_COLOURS[name]}" '
            'fill-opacity="0.6"/>'
            for index, count in enumerate(counts)
            if count
        ]
    for tick in _spread(scale):
        x = _LEFT + scale.part(tick) * _PLOT
        drawn.append(_line(x, bottom, x, bottom + 5))
        drawn.append(_text(x, bottom + 18, _milliseconds(tick), anchor="middle"))
    drawn.append(_text(_LEFT + _PLOT / 2, bottom + 36, "latency", anchor="middle"))
    return drawn


def _curve(parts: list[tuple[str, Samples]], scale: _Scale) -> list[str]:
    top, bottom = _TOPS[1], _TOPS[1] + _EACH
    drawn = _frame(top, "latency")
    deepest = -math.log10(_SHARES[-1])
    for share in (1.0, *_SHARES):
        x = _LEFT + -math.log10(share) / deepest * _PLOT
        drawn.append(_line(x, bottom, x, bottom + 5))
        drawn.append(_text(x, bottom + 18, f"{100 * (1 - share):.4g} %", anchor="middle"))
    drawn.append(
        _text(_LEFT + _PLOT / 2, bottom + 36, "of the messages took no longer (percentile)", anchor="middle")
    )
    for tick in _spread(scale, 6):
        y = bottom - scale.part(tick) * _EACH
        drawn.append(_line(_LEFT - 5, y, _LEFT, y))
        drawn.append(_text(_LEFT - 9, y + 4, _milliseconds(tick), anchor="end"))
    for name, samples in parts:
        ordered = sorted(samples.latencies)
        points: list[str] = []
        for step in range(201):
            share = 10 ** -(deepest * step / 200)
            # Beyond the last message there is nothing to say.
            if share * len(ordered) < 1:
                break
            y = bottom - scale.part(percentile(ordered, 100 * (1 - share))) * _EACH
            points.append(f"{_LEFT + step / 200 * _PLOT:.1f},{y:.1f}")
        drawn.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{_COLOURS[name]}" stroke-width="2"/>'
        )
    return drawn


def _spread(scale: _Scale, most: int = 12) -> list[float]:
    """Return ticks, fewer where they would stand too close."""
    ticks = scale.ticks()
    return ticks[:: max(1, -(-len(ticks) // most))]


def _frame(top: int, label: str) -> list[str]:
    return [
        f'<rect x="{_LEFT}" y="{top}" width="{_PLOT}" height="{_EACH}" fill="#f7f7f7" stroke="#999999"/>',
        f'<text x="16" y="{top + _EACH / 2}" fill="#333333" text-anchor="middle" '
        f'transform="rotate(-90 16 {top + _EACH / 2})">{escape(label)}</text>',
    ]


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#999999"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="#333333" text-anchor="{anchor}" font-size="{size}">'
        f"{escape(text)}</text>"
    )


def _milliseconds(latency: float) -> str:
    return f"{latency * 1_000:g} ms"
