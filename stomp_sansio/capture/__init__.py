"""What crossed the border between a machine and its driver: written down without secrets, read, shown,
replayed.

What lives here knows octets and instants. It must not know files, nor what anybody captures for.
"""

from __future__ import annotations

from .reading import read
from .recorder import MAX_OCTETS, Recorder
from .records import CaptureError, Kind, Record
from .text_diagram import render_text

__all__ = ["MAX_OCTETS", "CaptureError", "Kind", "Record", "Recorder", "read", "render_text"]
