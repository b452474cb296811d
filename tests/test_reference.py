"""The pages of reference: whatever is public stands there, and nothing else does."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from pkgutil import iter_modules

import pytest

from stomp_sansio import profiles

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
PUBLIC = [
    "stomp_sansio",
    "stomp_sansio.capture",
    "stomp_sansio.links.message",
    "stomp_sansio.machine",
    "stomp_sansio.redaction",
    "stomp_sansio.testing",
    "stomp_sansio.testing.strategies",
    "stomp_asyncio",
    "stomp_blocking.stompws",
    "stomp_pytest.plugin",
]
"""Modules that users import from, each of whose names has an entry of its own."""

ENTRY = re.compile(r"^\.\. auto(?!module)\w+:: ([\w.]+)$", re.MULTILINE)
MODULE = re.compile(r"^\.\. automodule:: ([\w.]+)$", re.MULTILINE)
"""All of such a module stands there."""


def entries(kind: re.Pattern[str] = ENTRY) -> list[str]:
    """Return the full names that have an entry, in order."""
    return [name for page in sorted(REFERENCE.glob("*.md")) for name in kind.findall(page.read_text())]


def within(module: str, names: Iterable[str]) -> list[str]:
    """Return those of the names that stand in a module itself, without it."""
    return sorted(name.rpartition(".")[2] for name in names if name.rpartition(".")[0] == module)


@pytest.mark.parametrize("module", PUBLIC)
def test_all_that_is_public_has_one_entry(module: str) -> None:
    assert within(module, entries()) == sorted(importlib.import_module(module).__all__)


def test_what_one_colour_does_differently_has_an_entry_too() -> None:
    own = {"Client", "Lifecycle", "Message", "Subscription", "Transaction", "connect", "memory_broker"}
    assert set(within("stomp_blocking", entries())) == own


def test_every_entry_is_there() -> None:
    for name in entries():
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


def test_every_profile_stands_there() -> None:
    servers = {f"{profiles.__name__}.{module.name}" for module in iter_modules(profiles.__path__)}
    assert servers - set(entries(MODULE)) == {f"{profiles.__name__}.{name}" for name in ("jms", "said")}
