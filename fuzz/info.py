"""Invariant: any answer to /info is a whole document or one documented fault, whatever the status; a document
that was read can be written and is read again as the same.

This file must not know how the answer travels.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fuzz.octets import Octets
from stomp_sansio.errors import Fault, LinkFault, RemoteProtocolError
from stomp_sansio.links.info import SockJSInfo, encode_info, parse_info
from stomp_sansio.protocol.limits import Limits

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["check", "strategy"]

LIMITS = Limits()
STATUSES = (200, 200, 200, 204, 301, 302, 307, 308, 404, 500)
FAULTS = {LinkFault.BAD_INFO, LinkFault.HTTP_STATUS, LinkFault.LIMIT}
PIECES = (
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b" ", b"true", b"false", b"null", b"1", b"-1", b".5", b"1e9"),
    *(b"NaN", b'"websocket"', b'"cookie_needed"', b'"origins"', b'"entropy"', b'"base_url"', b'"*:*"'),
    *(b'"\\ud800"', b"\xff", b'{"websocket":', b'{"origins":["', b'"]', b'","', b"<html>", b"\xef\xbb\xbf"),
    *(b"\n", b"[" * 1100, b'{"":' * 700),
)


def check(data: bytes) -> None:
    """Read one answer.

    Raises:
        AssertionError: the invariant is broken.
    """
    choices = Octets(data)
    status = choices.choose(STATUSES)
    body = bytearray()
    while choices.left:
        piece = choices.octet()
        body += PIECES[piece] if piece < len(PIECES) else choices.take(piece & 7)
    location = body[:50].decode("latin-1")
    fault: Fault | LinkFault | None = None
    info = SockJSInfo()
    try:
        info = parse_info(status, bytes(body), LIMITS, location=location)
    except RemoteProtocolError as error:
        fault = error.fault
    assert (fault is LinkFault.HTTP_STATUS) == (status != 200)
    assert (fault is LinkFault.LIMIT) == (status == 200 and len(body) > LIMITS.max_info_body)
    if fault is not None:
        assert fault in FAULTS, f"{fault} is no fault of /info"
        return
    assert isinstance(json.loads(body), dict)
    written = encode_info(info)
    if len(written) <= LIMITS.max_info_body:
        assert parse_info(200, written, LIMITS) == info


def strategy() -> SearchStrategy[bytes]:
    """Return a strategy of inputs for `check`: mostly sequences of known pieces."""
    from hypothesis import strategies as st

    piece = st.integers(0, len(PIECES) - 1).map(lambda number: bytes([number]))
    octets = st.binary(min_size=1, max_size=7).map(lambda some: bytes([0xA0 | len(some)]) + some)
    status = st.integers(0, len(STATUSES) - 1).map(lambda number: bytes([number]))
    pieces = st.lists(piece | octets, max_size=30)
    return st.builds(lambda first, rest: first + b"".join(rest), status, pieces)
