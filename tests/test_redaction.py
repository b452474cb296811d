"""What may be shown to people: nothing of a secret, and not too much of anything."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Frame
from stomp_sansio.redaction import REDACTED, excerpt, hide, is_secret, redacted


@pytest.mark.parametrize(
    "name",
    [
        *("passcode", "password", "authorization", "cookie", "set-cookie", "token", "secret", "api-key"),
        *(
            "Passcode",
            "PASSCODE",
            "Authorization",
            "Set-Cookie",
            "X-Auth-Token",
            "x-csrf-token",
            "client-secret",
        ),
        *("old-password", "X-Api-Key", "apikey", "proxy-authorization", "passcode "),
        *("api_key", "X_ACCESS_KEY", "aws-credentials", "key-passphrase", "private_key"),
    ],
)
def test_secrets_are_known_by_name_whatever_the_case(name: str):
    assert is_secret(name)
    assert redacted(name, "CANARY") == REDACTED


@pytest.mark.parametrize("name", ["login", "host", "destination", "receipt", "id", "ack", "x", "", "author"])
def test_other_headers_are_shown_as_they_are(name: str):
    assert not is_secret(name)
    assert redacted(name, "value") == "value"


@given(st.binary(max_size=200), st.integers(1, 100))
def test_an_excerpt_is_a_literal_of_at_most_that_many_octets(octets: bytes, limit: int):
    shown = excerpt(octets, limit)
    if len(octets) > limit:
        assert ast.literal_eval(shown.removesuffix("...")) == octets[:limit]
        assert shown.endswith("...")
    else:
        assert ast.literal_eval(shown) == octets
    assert shown.isascii()
    assert shown.isprintable()


def test_an_application_may_have_secrets_of_its_own():
    frame = Frame("SEND", {"x-tea-recipe": "CANARY", "x-tea-recipes": "many"})
    assert "CANARY" in repr(frame)
    hide("X-Tea-Recipe")
    hide()
    assert (
        repr(frame)
        == "Frame('SEND', Headers([('x-tea-recipe', '[redacted]'), ('x-tea-recipes', 'many')]), b'')"
    )
    assert is_secret("X_TEA_RECIPE")
    assert "CANARY" in str(frame.headers["x-tea-recipe"])
