"""A capture as a test: a module for pytest that replays it, and wants the same to come of it.

What lives here writes source text. It must not know what is replayed.
"""

from __future__ import annotations

from collections.abc import Iterable

from .reading import read
from .replaying import replay
from .visible import visible

__all__ = ["as_test"]


def as_test(lines: Iterable[str], name: str) -> str:
    """Return the source of a test that has the capture in it, and needs nothing else.

    What a replay comes to now is what the test wants: read it, and change what you want instead. `name` is
    for people: where the capture came from.

    Raises:
        CaptureError: as `read`.
        ImportError: as `replay`.
    """
    capture = [line.rstrip("\r\n") for line in lines]
    result = replay(read(capture))
    word = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name.lower()).strip(
        "_"
    )
    title = visible(name).replace("\\", "/").replace('"', "'")
    return "\n".join(
        [
            f'"""What came of {title}, and has to come of it again; made by `stomp-sansio trace test`."""',
            "",
            "from stomp_sansio.capture import read, replay",
            "",
            "# fmt: off",
            "CAPTURE = [",
            *(f"    {line!r}," for line in capture),
            "]",
            "EVENTS = [",
            *(f"    {line!r}," for line in result.summary()),
            "]",
            "ERRORS = [",
            *(f"    {line!r}," for line in result.errors),
            "]",
            "# fmt: on",
            "",
            "",
            f"def test_{word or 'capture'}():",
            "    result = replay(read(CAPTURE))",
            "    assert result.summary() == EVENTS",
            "    assert result.errors == ERRORS",
            "",
        ]
    )
