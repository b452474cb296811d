"""Records: whatever a dataclass would have said, a record says, and nobody can change it."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import pprint
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pytest

from stomp_sansio.records import field, hot_record, names_of, record, replace

T = TypeVar("T")


@record
class Point:
    """Two numbers."""

    x: int
    y: int = 2
    """The second."""


@record(kw_only=True)
class Named:
    first: str
    secret: str = field(hidden=True)
    tags: list[str] = field(default_factory=list[str])
    last: str | None = None
    limit: int = field(default=7, hidden=True)


@hot_record
class Hot:
    a: str
    b: bytes = b""


@record
class Empty:
    """Holds nothing."""


@record
class One:
    value: Any


class _Base:
    __slots__ = ()

    @property
    def double(self) -> int:
        return 2 * self.value

    value: int


@record(kw_only=True)
class Own(_Base, Generic[T]):
    value: int

    def __post_init__(self) -> None:
        if self.value < 0:
            raise ValueError("too small")

    def __repr__(self) -> str:
        return f"<{self.value}>"


# What `dataclasses` makes of the same.


@dataclasses.dataclass(frozen=True, slots=True)
class PointClass:
    """Two numbers."""

    x: int
    y: int = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NamedClass:
    first: str
    secret: str = dataclasses.field(repr=False)
    tags: list[str] = dataclasses.field(default_factory=list[str])
    last: str | None = None
    limit: int = dataclasses.field(default=7, repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class EmptyClass:
    """Holds nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class OneClass:
    value: Any


@dataclasses.dataclass(slots=True)
class HotClass:
    a: str
    b: bytes = b""


PAIRS = [(Point, PointClass), (Named, NamedClass), (Empty, EmptyClass), (One, OneClass), (Hot, HotClass)]

EXAMPLES: list[Any] = [
    Point(1),
    Point(1, y=3),
    Named(first="a", secret="CANARY"),
    Named(first="a", secret="CANARY", tags=["t"], last="b", limit=1),
    Empty(),
    One([]),
    One(1),
    Hot("a"),
    Hot("a", b"b"),
    Own(value=3),
]

EACH = pytest.mark.parametrize("example", EXAMPLES, ids=map(repr, EXAMPLES))

Call = Callable[[Any], Any]


def said(call: Call, kind: type) -> object:
    """Return what a call brings, or what it complains about; a class's name aside."""
    try:
        return call(kind)
    except (TypeError, AttributeError) as error:
        return type(error), str(error).replace("Class", "")


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[ours.__name__ for ours, _ in PAIRS])
@pytest.mark.parametrize(
    "call",
    [
        lambda kind: repr(kind("a", b"b")).replace("Class", ""),
        lambda kind: repr(kind(1)).replace("Class", ""),
        lambda kind: repr(kind(first="a", secret="CANARY")).replace("Class", ""),
        lambda kind: repr(kind()).replace("Class", ""),
        lambda kind: kind(1) == kind(1),
        lambda kind: kind(1) == kind(2),
        lambda kind: kind(first="a", secret="b") == kind(first="a", secret="b", limit=8),
        lambda kind: kind(1) != 1,
        lambda kind: kind(nothing=1),
        lambda kind: kind(1, 2, 3),
        lambda kind: kind.__match_args__,
        lambda kind: kind.__slots__,
        lambda kind: kind.__module__,
        lambda kind: kind.__annotations__,
        lambda kind: str(inspect.signature(kind)),
        lambda kind: [(each.name, each.kind) for each in inspect.signature(kind).parameters.values()],
        lambda kind: {item.name: (item.type, item.repr, item.kw_only) for item in dataclasses.fields(kind)},
        lambda kind: dataclasses.asdict(kind(1)),
        lambda kind: dataclasses.astuple(kind(1)),
        lambda kind: dataclasses.is_dataclass(kind),
        lambda kind: kind.__dataclass_params__.frozen,
        lambda kind: pprint.pformat(kind(1)).replace("Class", ""),
        lambda kind: len({kind(first="a", secret="b", tags=()), kind(first="a", secret="b", tags=())}),
    ],
)
def test_a_record_says_what_a_dataclass_says(ours: type, theirs: type, call: Call) -> None:
    assert said(call, ours) == said(call, theirs)


@EACH
def test_a_copy_is_equal_to_what_it_was_made_of(example: Any) -> None:
    assert copy.copy(example) == example
    assert copy.deepcopy(example) == example
    assert replace(example) == example
    assert dataclasses.replace(example) == example
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(example, protocol)) == example


def test_what_is_replaced_is_checked_like_what_is_made() -> None:
    assert replace(Point(1), y=5) == Point(1, 5)
    with pytest.raises(TypeError, match="nothing"):
        replace(Point(1), nothing=5)
    with pytest.raises(ValueError, match="too small"):
        replace(Own(value=1), value=-1)


@pytest.mark.parametrize("example", [Point(1), Named(first="a", secret="b"), One(1), Own(value=1)])
def test_a_record_cannot_be_changed(example: Any) -> None:
    for name in (*names_of(example), "misspelt"):
        with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{name}'"):
            setattr(example, name, 2)
        with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot delete field '{name}'"):
            delattr(example, name)


@EACH
def test_a_record_has_room_for_its_fields_alone(example: Any) -> None:
    assert not hasattr(example, "__dict__")
    with pytest.raises(AttributeError):
        example.misspelt = 1


def test_records_of_different_classes_differ() -> None:
    records: list[object] = [One(1), Own(value=1), Empty(), Point(1), PointClass(1)]
    assert len(set(records)) == len(records)


def test_hot_records_can_be_members_of_sets_too() -> None:
    assert {Hot("a"), Hot("a"), Hot("b")} == {Hot("a"), Hot("b")}


def test_a_value_that_is_not_equal_to_itself_is_the_same_value() -> None:
    # As it is in tuples, and in dataclasses.
    nan = float("nan")
    assert One(nan) == One(nan)


def test_each_record_gets_a_fresh_default() -> None:
    first, second = Named(first="a", secret="b"), Named(first="a", secret="b")
    assert first.tags == second.tags == []
    assert first.tags is not second.tags


def test_what_the_class_says_itself_stays() -> None:
    assert repr(Own(value=2)) == "<2>"
    assert Own(value=2).double == 4
    assert Point.__doc__ == "Two numbers."
    with pytest.raises(ValueError, match="too small"):
        Own(value=-1)


def test_a_record_that_holds_itself_can_be_shown() -> None:
    inside: list[object] = []
    outside = One(inside)
    inside.append(outside)
    assert repr(outside) == "One(value=[...])"


def test_records_can_be_matched() -> None:
    match Point(1, 5):
        case Point(x, y):
            assert (x, y) == (1, 5)
    match Named(first="a", secret="b"):
        case Named(first=first):
            assert first == "a"


def test_a_dataclass_can_be_made_of_a_record() -> None:
    @dataclasses.dataclass(frozen=True)
    class Space(Point):
        z: int = 3

    assert Space(1) == Space(1, 2, 3)
    assert repr(Space(1)).endswith("Space(x=1, y=2, z=3)")


def test_a_signature_is_there_before_the_first_instance_and_stays_the_same() -> None:
    @record(kw_only=True)
    class Fresh:
        a: int
        b: list[str] = field(default_factory=list[str])

    before = inspect.signature(Fresh)
    assert str(before) == "(*, a: 'int', b: 'list[str]' = <factory>) -> None"
    assert Fresh(a=1) == Fresh(a=1, b=[])
    assert inspect.signature(Fresh) == before
    written = inspect.signature(Fresh.__init__)
    assert [str(parameter) for parameter in written.parameters.values()][1:] == [
        "a: 'int'",
        "b: 'list[str]' = <factory>",
    ]


def test_a_subclass_has_a_signature_of_its_own() -> None:
    class Line(Point):
        def __init__(self, length: int) -> None:
            super().__init__(0, length)

    assert list(inspect.signature(Line).parameters) == ["length"]
    assert Line(5).y == 5


def test_records_need_no_dataclasses_before_somebody_looks_for_them() -> None:
    program = (
        "import sys, stomp_sansio\n"
        "repr(stomp_sansio.Limits()), hash(stomp_sansio.Limits())\n"
        "assert 'dataclasses' not in sys.modules, 'it was imported'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
