"""How SEND frames begin: what the encoder wrote for one message serves the next one of the same shape.

What lives here copies octets of frames that were good. This file must not know what makes a frame good, nor
the state of any connection.
"""

from __future__ import annotations

__all__ = ["SendHeads"]

# How many are kept. Most programs send to a handful of destinations; whoever sends to each once only pays for
# the keeping.
_MOST = 64


class SendHeads:
    """The heads of SEND frames to the latest destinations, in the one version that a connection speaks."""

    __slots__ = ("_heads",)

    def __init__(self) -> None:
        # By destination and content-type: the line of the destination with what stands before it, and what
        # stands between a receipt and the number of the content-length.
        self._heads: dict[tuple[str, str | None], tuple[bytes, bytes]] = {}

    def frame(
        self, destination: str, content_type: str | None, receipt: str | None, body: bytes
    ) -> bytes | None:
        """Return the octets of a frame, or None when it is not good beyond doubt: then let it be encoded."""
        try:
            head = self._heads.get((destination, content_type))
        except TypeError:
            # Not text at all.
            return None
        if head is None or not body or type(body) is not bytes:
            return None
        first, rest = head
        if receipt is None:
            return b"%b%b%d\n\n%b\0" % (first, rest, len(body), body)
        # Letters, digits and hyphens mean themselves in every version.
        if type(receipt) is not str or not (receipt.isascii() and receipt.replace("-", "").isalnum()):
            return None
        return b"%breceipt:%b\n%b%d\n\n%b\0" % (first, receipt.encode(), rest, len(body), body)

    def learn(
        self, destination: str, content_type: str | None, receipt: str | None, body: bytes, octets: bytes
    ) -> None:
        """Keep how a frame begins that has no other headers than these and its content-length."""
        if not body or type(body) is not bytes:
            return
        heads = self._heads
        if len(heads) >= _MOST:
            del heads[next(iter(heads))]
        # No line has an EOL inside, whatever stands in it.
        first = octets.index(b"\n", len(b"SEND\n")) + 1
        rest = first if receipt is None else octets.index(b"\n", first) + 1
        end = len(octets) - len(b"%d\n\n%b\0" % (len(body), body))
        heads[destination, content_type] = octets[:first], octets[rest:end]
