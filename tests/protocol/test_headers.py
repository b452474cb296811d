"""Headers: a read-only mapping, the first of repeated names wins, every pair is kept in its order."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Headers

pair_lists = st.lists(st.tuples(st.sampled_from(["a", "b", "c", ""]), st.text(max_size=3)), max_size=8)


@given(pair_lists)
def test_a_look_up_gives_what_a_search_from_the_front_gives(pairs: list[tuple[str, str]]):
    headers = Headers(pairs)
    assert headers.pairs == tuple(pairs)
    for name in ("a", "b", "c", "", "d"):
        values = [value for other, value in pairs if other == name]
        assert headers.get_all(name) == values
        assert (name in headers) == bool(values)
        assert headers.get(name) == (values[0] if values else None)
        assert headers.get(name, "default") == (values[0] if values else "default")
        if values:
            assert headers[name] == values[0]
    first = dict(reversed(pairs))
    assert dict(headers) == first
    assert headers == first
    names = list(dict.fromkeys(name for name, _ in pairs))
    assert list(headers) == list(headers.keys()) == names
    assert list(headers.values()) == [first[name] for name in names]
    assert list(headers.items()) == [(name, first[name]) for name in names]
    assert len(headers) == len(names)


@given(pair_lists)
def test_headers_made_of_headers_are_the_same(pairs: list[tuple[str, str]]):
    headers = Headers(pairs)
    assert Headers(headers).pairs == headers.pairs
    assert Headers(iter(pairs)).pairs == headers.pairs


@pytest.mark.parametrize("kind", [dict, OrderedDict, MappingProxyType])
def test_any_mapping_will_do(kind):
    assert Headers(kind({"b": "1", "a": "2"})).pairs == (("b", "1"), ("a", "2"))


def test_none_is_the_default():
    assert Headers().pairs == ()
    assert not Headers()


def test_an_absent_name_is_a_key_error():
    with pytest.raises(KeyError, match="absent"):
        Headers({"a": "1"})["absent"]


def test_names_are_case_sensitive():
    assert Headers([("A", "1"), ("a", "2")])["a"] == "2"


@pytest.mark.parametrize("source", [{"a": "1"}, [("a", "1")]])
def test_a_change_of_what_they_were_made_of_changes_nothing(source: Any):
    headers = Headers(source)
    source.clear()
    assert headers.pairs == (("a", "1"),)


def test_they_are_a_mapping_and_cannot_be_changed():
    headers: object = Headers({"a": "1"})
    assert isinstance(headers, Mapping)
    assert not isinstance(headers, MutableMapping)
    assert not hasattr(headers, "__setitem__")
    with pytest.raises(AttributeError):
        headers.other = 1  # type: ignore[attr-defined]


def test_they_survive_pickling():
    headers = Headers([("a", "1"), ("a", "2")])
    assert pickle.loads(pickle.dumps(headers)).pairs == headers.pairs


def test_their_repr_hides_secrets_and_shows_repetitions():
    headers = Headers([("login", "me"), ("Passcode", "CANARY"), ("x-token", "CANARY"), ("x-token", "CANARY")])
    shown = repr(headers)
    assert shown == (
        "Headers([('login', 'me'), ('Passcode', '[redacted]'), ('x-token', '[redacted]'), "
        "('x-token', '[redacted]')])"
    )
