"""The head of a frame that has not come whole: kept, and looked at once, however it trickles in.

What may be wrong with it already is for `header_block.examine` to say. This file must not know bodies, nor
what a head means.
"""

from __future__ import annotations

from functools import lru_cache

from .commands import COMMANDS
from .header_block import Grammar, examine

__all__ = ["PartialHead"]

# A number is found in octets several times as fast as an octet string is.
_NUL, _LF, _CR = 0, 10, 13


@lru_cache(maxsize=8)
def _command_lines(longest: int) -> tuple[bytes, ...]:
    """Return the command lines that are not too long: all connections with such a limit share them."""
    return tuple(command.encode() + b"\n" for command in COMMANDS if len(command) <= longest)


class PartialHead:
    """Octets from the first one of a frame on, that end before the frame's blank line does."""

    __slots__ = ("_command_lines", "_grammar", "_lines", "_quiet", "octets")

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._command_lines = _command_lines(grammar.limits.max_command_line)
        self.octets: bytes | bytearray = b""
        """What there is: a piece, or an array once it comes in a trickle."""
        # Of an array: how many lines in it are whole, and up to which size nothing in it can be too long.
        self._lines = 0
        self._quiet = 0

    def is_certain(self, octets: bytes) -> bool:
        """Tell whether octets begin a head beyond doubt: not whole, and with nothing wrong so far.

        Ask only for such as have no two LFs in a row, and are too few for a limit on octets.
        """
        grammar = self._grammar
        if _CR in octets or (_NUL in octets and not grammar.tolerant):
            return False
        lines = octets.count(b"\n")
        if not lines:
            return len(octets) <= grammar.limits.max_command_line and _NUL not in octets
        return lines <= grammar.limits.max_headers + 1 and octets.startswith(self._command_lines)

    def extend(self, data: bytes) -> bytes | None:
        """Put octets behind those that are there; return all, to be read anew, if the head may be whole now,
        and None when it is not.

        Raises:
            RemoteProtocolError: something is certain to be wrong already.
        """
        octets = self.octets
        if len(data) >= len(octets):
            # As much came as was there: a second look at that costs no more than the first at this.
            self.octets = b""
            return bytes(octets) + data
        # A trickle: every octet is looked at once, so the time for a head grows as its length.
        if type(octets) is not bytearray:
            self.octets = octets = bytearray(octets)
            self._lines = octets.count(b"\n")
            self._quiet = self._quiet_until(octets)
        octets += data
        if _LF not in data and _NUL not in data and len(octets) <= self._quiet:
            return None
        # A blank line may have begun two octets earlier.
        begin = -len(data) - 2
        blank_line = octets.find(b"\n\n", begin)
        if blank_line < 0:
            blank_line = octets.find(b"\n\r\n", begin)
        if blank_line < 0:
            suspicious = self._is_suspicious(octets, data)
        else:
            # A head that is refused is not copied first.
            suspicious = blank_line > self._grammar.limits.max_line
        if suspicious:
            examine(octets, 0, self._grammar)
        if blank_line < 0:
            return None
        self.octets = b""
        return bytes(octets)

    def _is_suspicious(self, octets: bytearray, data: bytes) -> bool:
        """Tell whether the newest octets, `data`, may have made a fault certain."""
        grammar = self._grammar
        suspicious = len(octets) > self._quiet or (_NUL in data and not (grammar.tolerant and self._lines))
        if _LF in data:
            if not self._lines:
                suspicious = suspicious or not octets.startswith(self._command_lines)
            self._lines += data.count(b"\n")
            self._quiet = self._quiet_until(octets)
        return suspicious or self._lines > grammar.limits.max_headers + 1

    def _quiet_until(self, octets: bytearray) -> int:
        """Return the size up to which neither the head nor its last line can be too long."""
        limits = self._grammar.limits
        if not self._lines:
            return limits.max_command_line
        size = octets.rfind(b"\n") + 1 + limits.max_line
        return size if size < limits.max_header_block else limits.max_header_block
