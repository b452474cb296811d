"""Which subscribers a topic has, beside a matcher that tries everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from stomp_sansio.broker.router import Router

parts = st.sampled_from(["a", "b", "*"])
names = st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=4)
marks = st.sampled_from([".", ".", "/"])


@st.composite
def name_strategy(draw: st.DrawFn, part: st.SearchStrategy[str], rest: bool) -> str:
    text = draw(part)
    for _ in range(draw(st.integers(0, 3))):
        text += draw(marks) + draw(part)
    if rest and draw(st.booleans()):
        text = draw(st.sampled_from([">", text + ".>", text + "/>"]))
    return text


topics = name_strategy(st.sampled_from(["a", "b", ""]), rest=False)
patterns = name_strategy(parts, rest=True)


def split(name: str) -> list[tuple[str, str]]:
    """Return (separator, part) pairs, octet by octet."""
    found = [("", "")]
    for character in name:
        if character in "./":
            found.append((character, ""))
        else:
            found[-1] = (found[-1][0], found[-1][1] + character)
    return found


def matches(pattern: list[tuple[str, str]], name: list[tuple[str, str]]) -> bool:
    if not pattern:
        return not name
    mark, part = pattern[0]
    if part == ">":
        return not name or name[0][0] == mark
    if not name or name[0][0] != mark:
        return False
    return part in ("*", name[0][1]) and matches(pattern[1:], name[1:])


class RouterBesideList(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.router: Router[int] = Router()
        self.subscribers: list[tuple[str, int]] = []
        self.number = 0

    @rule(pattern=st.one_of(patterns, topics))
    def add(self, pattern: str) -> None:
        self.number += 1
        self.router.add(pattern, self.number)
        self.subscribers.append((pattern, self.number))

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.subscribers:
            found = data.draw(st.sampled_from(self.subscribers))
            self.subscribers.remove(found)
            self.router.remove(*found)

    @rule(topic=topics)
    def match(self, topic: str) -> None:
        found = [number for pattern, number in self.subscribers if matches(split(pattern), split(topic))]
        assert list(self.router.match(topic)) == found


TestRouterBesideList = RouterBesideList.TestCase


@given(st.lists(patterns, min_size=1, max_size=5), topics)
def test_after_the_last_subscriber_nothing_is_left(found: list[str], topic: str) -> None:
    router: Router[int] = Router()
    for number, pattern in enumerate(found):
        router.add(pattern, number)
    router.match(topic)
    for number, pattern in enumerate(found):
        router.remove(pattern, number)
    assert router.match(topic) == ()
    assert router.empty


def test_as_in_activemq() -> None:
    router: Router[str] = Router()
    for pattern in ("a.*", "a.>", ">", "a.b"):
        router.add(pattern, pattern)
    assert router.match("a") == ("a.>", ">")
    assert router.match("a.b") == ("a.*", "a.>", ">", "a.b")
    assert router.match("a.b.c") == ("a.>", ">")
    assert router.match("a/b") == (">",)


def test_only_so_many_answers_are_remembered_and_all_are_right() -> None:
    router: Router[int] = Router()
    router.add("t.*", 1)
    for number in range(1_500):
        assert router.match(f"t.{number}") == (1,)
    assert router.match("t.0") == (1,)
