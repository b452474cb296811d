"""What an application sends, as octets: text, JSON, or octets already.

This file must not know frames beyond the content-type.
"""

from __future__ import annotations

import json as json_module
from typing import Any

__all__ = ["MISSING", "Content", "content_of"]

Content = bytes | bytearray | memoryview | str
"""What may be given as a body; text is sent as UTF-8."""


class _Missing:
    """The type of `MISSING`, which says that nothing was given: None is JSON as well."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


def content_of(body: Content, json: Any, content_type: str | None) -> tuple[bytes, str | None]:
    """Return the octets of a body and its content-type.

    Raises:
        TypeError: both a body and `json` were given, or neither kind of thing.
        ValueError: `json` cannot be written as JSON.
    """
    if type(body) is bytes and json is MISSING:
        return body, content_type
    if json is not MISSING:
        if body:
            raise TypeError("body and json were given: pass one of them")
        text = json_module.dumps(json, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode(), content_type or "application/json"
    if isinstance(body, str):
        return body.encode(), content_type or "text/plain;charset=utf-8"
    try:
        return bytes(memoryview(body)), content_type
    except TypeError:
        kind = type(body).__name__
        raise TypeError(f"the body is {kind}: pass bytes or text, or json= for everything else") from None
