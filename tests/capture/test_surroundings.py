"""Whoever hides and whoever listens give passages the same surroundings."""

from __future__ import annotations

import inspect

import pytest

from stomp_sansio.capture.hiding import Hiding
from stomp_sansio.capture.listening import Ears
from stomp_sansio.capture.surroundings import Surroundings

from .around import Around


@pytest.mark.parametrize("kind", [Hiding, Ears, Around])
def test_surroundings_have_what_is_promised(kind: type):
    for name in ("stomp", "note", "asked"):
        promised = inspect.signature(getattr(Surroundings, name)).parameters
        assert list(inspect.signature(getattr(kind, name)).parameters) == list(promised)
    assert hasattr(kind(), "secrets")
