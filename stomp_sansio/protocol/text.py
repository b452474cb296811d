"""What a body says when it is read as text: its charset, and JSON.

This file must not know frames or events.
"""

from __future__ import annotations

import codecs
from typing import Any

from ..errors import NotText
from ..redaction import excerpt

__all__ = ["charset", "decode", "decode_json"]

# Python calls these text encodings, but nobody means them by a charset, and some take quadratic time.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})


def charset(content_type: str | None) -> str:
    """Return the charset that a content-type names; UTF-8 when it names none (STOMP 1.2, "Header
    content-type").
    """
    for parameter in (content_type or "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"') or "utf-8"
    return "utf-8"


def decode(body: bytes, content_type: str | None) -> str:
    """Return a body as text.

    Raises:
        NotText: the octets are none in that charset, or the charset is unknown. The sender is to blame.
    """
    name = charset(content_type)
    try:
        if codecs.lookup(name).name.replace("-", "_") in _NO_CHARSETS:
            raise LookupError
        return body.decode(name)
    except (LookupError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            why = f"octet {error.start + 1} of {len(body)} is not {name}"
        else:
            why = f"its content-type names the charset {name[:40]!r}, which is not known"
        raise NotText(f"the body is no text: {why}; read .body, which is {excerpt(body)}") from None


def decode_json(body: bytes, content_type: str | None) -> Any:
    """Return the value of a body that is JSON text.

    Raises:
        NotText: the octets are no text in their charset. The sender is to blame.
        ValueError: the text is no JSON. The sender is to blame.
    """
    # Imported here: who reads no JSON need not wait for it at the start.
    import json

    try:
        return json.loads(decode(body, content_type))
    except RecursionError:
        raise ValueError("the body is JSON that is nested too deeply to be read") from None
