"""Header fields of an application's own: as octets, or refused with nothing secret shown."""

from __future__ import annotations

import pytest

from stomp_sansio.errors import LocalProtocolError, Misuse
from stomp_sansio.links.extra_headers import checked_headers

SECRET = "canary"


def test_fields_go_in_their_order_and_as_they_are() -> None:
    fields = [
        ("Authorization", "Bearer abc"),
        ("X-Name", "Andr\xe9"),
        ("X-Name", ""),
        ("Origin", "https://a.b"),
    ]
    assert checked_headers(fields) == [
        (b"Authorization", b"Bearer abc"),
        (b"X-Name", b"Andr\xe9"),
        (b"X-Name", b""),
        (b"Origin", b"https://a.b"),
    ]
    assert checked_headers([]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "x"),
        ("connection", "x"),
        ("Upgrade", "x"),
        ("Content-Length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Sec-WebSocket-Protocol", "x"),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ("Origin", "https://example.com/"),
        ("X", f"{SECRET}\r\nEvil: 1"),
        ("X", f"{SECRET}\0"),
        ("X", f" {SECRET}"),
        ("X", f"{SECRET}€"),
        ("X Y", SECRET),
        ("", SECRET),
        ("Xé", SECRET),
    ],
)
def test_a_header_that_cannot_go_is_refused_and_its_value_not_shown(name: str, value: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        checked_headers([(name, value)])
    assert caught.value.misuse is Misuse.BAD_HEADER
    assert repr(name) in str(caught.value)
    assert SECRET not in str(caught.value)
