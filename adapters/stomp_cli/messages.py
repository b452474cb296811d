"""A message as people see it, and as programs read it: text, a line of JSON, or variables of an environment.

A function of its arguments. This file must not know where it is shown.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from stomp_sansio.client.message import MessageCore
from stomp_sansio.errors import NotText
from stomp_sansio.redaction import redacted

from .escapes import escaped

__all__ = ["as_environment", "as_json", "as_text", "body_text"]

# What only this connection understands, or the line says already.
_UNSHOWN = frozenset({"ack", "content-length", "destination", "subscription"})

_EXCERPT = 64
"""Octets that are shown of a body that is no text."""


def as_json(message: MessageCore[Any]) -> dict[str, Any]:
    """Return a message as a value for JSON: everything as it came, a body that is no text in Base64."""
    value: dict[str, Any] = {"destination": message.destination, "headers": dict(message.headers)}
    pairs = message.headers.pairs
    if len(pairs) != len(value["headers"]):
        # Of names that come twice the first counts; all of them stand here.
        value["pairs"] = [list(pair) for pair in pairs]
    try:
        value["body"] = message.text
    except NotText:
        value["body_base64"] = base64.b64encode(message.body).decode("ascii")
    return value


def as_text(message: MessageCore[Any]) -> str:
    """Return a message for people: a line with destination and headers, then the body, indented, so that no
    message can pass for two. Headers that are secrets by their names are hidden.
    """
    shown = "".join(
        f"  {escaped(name)}:{escaped(redacted(name, value))}"
        for name, value in message.headers.pairs
        if name not in _UNSHOWN
    )
    return f"{escaped(message.destination)}{shown}\n{_indented(body_text(message))}"


def body_text(message: MessageCore[Any]) -> str:
    """Return the body for people: harmless text with its line breaks, or an excerpt of what is no text."""
    try:
        return escaped(message.text.replace("\r\n", "\n"), lines=True)
    except NotText:
        body = message.body
        more = "..." if len(body) > _EXCERPT else ""
        return f"({len(body):,} octets, no text) {body[:_EXCERPT].hex(' ')}{more}"


def as_environment(message: MessageCore[Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for a command: what is in `environ`, without our passcode, and the headers.

    A header is STOMP_HEADER_ and its name in capitals, with an underscore for whatever is no letter or digit.
    """
    found = {name: value for name, value in environ.items() if not name.startswith("STOMP_")}
    for name, value in message.headers.items():
        capital = "".join(
            character if character.isascii() and character.isalnum() else "_" for character in name
        )
        # No environment holds a NUL.
        found.setdefault(f"STOMP_HEADER_{capital.upper()}", value.replace("\0", ""))
    return found | {"STOMP_DESTINATION": message.destination.replace("\0", "")}


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.split("\n"))
