"""What crossed the border between a machine and its driver: written down without secrets, read, shown,
replayed.

What lives here knows octets and instants. It must not know files, nor what anybody captures for.
"""

from __future__ import annotations

from .explaining import explain
from .mermaid import render_mermaid
from .reading import MAX_LINE, read, whole_lines
from .recorder import MAX_OCTETS, Recorder
from .records import CaptureError, Kind, Record
from .regression import as_test
from .replaying import Replay, replay
from .svg import render_svg
from .talks import Ending, ReplayedConnection
from .text_diagram import render_text

__all__ = [
    "MAX_LINE",
    "MAX_OCTETS",
    "CaptureError",
    "Ending",
    "Kind",
    "Record",
    "Recorder",
    "Replay",
    "ReplayedConnection",
    "as_test",
    "explain",
    "read",
    "render_mermaid",
    "render_svg",
    "render_text",
    "replay",
    "whole_lines",
]
