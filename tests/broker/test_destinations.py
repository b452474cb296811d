"""Which destinations there are, and what is said about those that are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.broker.destinations import (
    KIND_RULES,
    Kind,
    UnusableDestination,
    for_sending,
    for_subscribing,
    is_pattern,
    segments,
)

GOOD = [
    ("/topic/a", Kind.TOPIC, "a"),
    ("/topic/a.b/c", Kind.TOPIC, "a.b/c"),
    ("/topic//", Kind.TOPIC, "/"),
    ("/queue/a*b>", Kind.QUEUE, "a*b>"),
    ("/queue/" + ".".join("x" * 64), Kind.QUEUE, ".".join("x" * 64)),
    ("/temp-queue/q", Kind.TEMP_QUEUE, "q"),
]
REPLY = ("/reply-queue/t", Kind.REPLY_QUEUE, "t")
NOWHERE = [
    ("", "there is no destination '' here: write /topic/NAME, /queue/NAME, /temp-queue/NAME"),
    ("/topics/a", "there is no destination"),
    ("topic/a", "there is no destination"),
    ("/topic", "there is no destination"),
    ("/" + "x" * 5_000, "there is no destination"),
    ("/topic/", "has no name behind its prefix"),
    ("/queue/" + "." * 64, "a name has at most 64 parts"),
    ("/queue/" + "/." * 32, "a name has at most 64 parts"),
]
PATTERNS = ["/topic/*", "/topic/>", "/topic/a.*", "/topic/a/>", "/topic/*/b.>"]


@pytest.mark.parametrize(("text", "kind", "name"), [*GOOD, REPLY])
def test_a_message_can_be_sent_to(text: str, kind: Kind, name: str) -> None:
    assert for_sending(text) == (kind, name)


@pytest.mark.parametrize(("text", "kind", "name"), [*GOOD, *[(p, Kind.TOPIC, p[7:]) for p in PATTERNS]])
def test_a_client_can_subscribe_to(text: str, kind: Kind, name: str) -> None:
    assert for_subscribing(text) == (kind, name)


@pytest.mark.parametrize(("text", "message"), NOWHERE)
def test_nobody_is_at(text: str, message: str) -> None:
    for parse in (for_sending, for_subscribing):
        with pytest.raises(UnusableDestination) as caught:
            parse(text)
        assert message in str(caught.value)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", [*PATTERNS, "/queue/*", "/reply-queue/a.>"])
def test_a_message_goes_to_one_destination(text: str) -> None:
    with pytest.raises(UnusableDestination, match=r"is a pattern: \* and > are for SUBSCRIBE"):
        for_sending(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/reply-queue/t", "only who asked gets them"),
        ("/queue/*", "match topics only"),
        ("/temp-queue/a.>", "match topics only"),
        ("/topic/>.a", "it can only come last"),
        ("/topic/a/>.b", "it can only come last"),
    ],
)
def test_a_client_cannot_subscribe_to(text: str, message: str) -> None:
    with pytest.raises(UnusableDestination, match=message):
        for_subscribing(text)


@given(st.text("ab./*>"))
def test_segments_are_the_name_again(name: str) -> None:
    found = segments(name)
    assert "".join(found) == name
    assert all("." not in each[1:] and "/" not in each[1:] for each in found)
    assert all(each[0] in "./" for each in found[1:])


@pytest.mark.parametrize("name", ["a*", "*a", "a>b", ">>", "a.b*", "plain"])
def test_a_star_inside_a_segment_is_a_star(name: str) -> None:
    assert not is_pattern(name)


def test_every_kind_has_its_row() -> None:
    assert set(KIND_RULES) == set(Kind)
