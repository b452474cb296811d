"""Lines of HTTP heads as a capture may show them: credentials, cookies, secrets in URLs, names of sessions.

What lives here are functions of one line. It must not know which message the line belongs to.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from ..redaction import is_secret
from .secrets import Secrets, in_field

__all__ = ["Request", "hidden_field", "hidden_request_line", "hidden_status_line"]

_SESSION_ENDS = frozenset({b"websocket", b"xhr", b"xhr_streaming", b"xhr_send"})
_SCHEMES = (b"basic ", b"bearer ", b"digest ", b"negotiate ")
_STRUCTURE = frozenset(
    {
        *(b"connection", b"content-length", b"content-type", b"host", b"sec-websocket-accept"),
        *(b"sec-websocket-extensions", b"sec-websocket-key", b"sec-websocket-protocol"),
        *(b"sec-websocket-version", b"transfer-encoding", b"upgrade"),
    }
)
_ADDRESSES = frozenset({b"location", b"content-location", b"referer"})
_LONG = 16
"""Octets of a session's name that chance alone does not bring about: it is looked for elsewhere too."""


@dataclass(slots=True)
class Request:
    """What a request line asks for."""

    method: bytes
    kind: bytes
    """The last segment of a SockJS session's path, as "xhr_send"; else nothing."""
    conversation: bytes
    """The path of the SockJS session, as it was; else nothing."""
    upgrades: bool = False
    """Whether a WebSocket is asked for."""


def hidden_request_line(line: bytes, secrets: Secrets) -> tuple[bytes, Request]:
    """Return a request line as it may be shown, and what it asks for (RFC 9112, section 3)."""
    method, blank, rest = line.partition(b" ")
    target, ending, tail = rest.rpartition(b" ")
    if not ending:
        target, tail = rest, b""
    shown, kind, conversation = _hidden_address(target, secrets)
    return method + blank + shown + ending + tail, Request(method, kind, conversation)


def _hidden_address(address: bytes, secrets: Secrets) -> tuple[bytes, bytes, bytes]:
    path, question, query = address.partition(b"?")
    start = path.find(b"//")
    authority_end = path.find(b"/", start + 2) if start != -1 else 0
    authority_end = len(path) if authority_end == -1 else authority_end
    authority, path = path[:authority_end], path[authority_end:]
    kind = conversation = b""
    segments = path.split(b"/")
    if len(segments) >= 4 and segments[-1] in _SESSION_ENDS:
        kind, conversation, session = segments[-1], b"/".join(segments[:-1]), segments[-2]
        segments[-2] = secrets.stand_in(session, b"x" * len(session))
        if len(session) >= _LONG:
            secrets.learn(session)
    userinfo, at, host = authority.rpartition(b"@")
    scheme, colon, passcode = userinfo.rpartition(b":")
    if at and colon and not passcode.startswith(b"//"):
        secrets.learn(unquote_to_bytes(passcode))
        userinfo = scheme + colon + in_field(passcode)
    shown = userinfo + at + host + b"/".join(segments) + question
    shown += b"&".join(_hidden_parameter(pair, secrets) for pair in query.split(b"&"))
    return secrets.hidden(shown), kind, conversation


def _hidden_parameter(pair: bytes, secrets: Secrets) -> bytes:
    name, equals, value = pair.partition(b"=")
    if is_secret(unquote_to_bytes(name.replace(b"+", b" ")).decode("utf-8", "replace")):
        hidden = secrets.stand_in(value, in_field(value).replace(b" ", b"x"))
        secrets.learn(unquote_to_bytes(value))
        secrets.learn(value)
        return name + equals + hidden
    return secrets.hidden(pair)


def hidden_status_line(line: bytes, secrets: Secrets) -> tuple[bytes, int]:
    """Return a status line as it may be shown, and its status; 0 if it has none (RFC 9112, section 4)."""
    digits = line[9:12]
    return line[:12] + secrets.hidden(line[12:]), int(digits) if digits.isdigit() else 0


def hidden_field(line: bytes, secrets: Secrets, *, goes_on: bool) -> tuple[bytes, bytes, bytes, bool]:
    """Return a field line as it may be shown, its name in lower case, its value, and whether it is a secret.

    `goes_on` says that the line before was a secret, which a line that begins with a blank goes on with (RFC
    9112, section 5.2).
    """
    if goes_on and line[:1] in b" \t":
        secrets.learn(line)
        return in_field(line), b"", b"", True
    name, colon, value = line.partition(b":")
    lower = name.strip().lower()
    # What pages of other origins may do is no secret, though it speaks of credentials.
    if lower in _STRUCTURE or lower.startswith(b"access-control-"):
        return line, lower, value.strip(), False
    if not is_secret(lower.decode("latin-1")):
        hidden = _hidden_address(value, secrets)[0] if lower in _ADDRESSES else secrets.hidden(value)
        return secrets.hidden(name) + colon + hidden, lower, value.strip(), False
    ending = value[len(value.rstrip()) :]
    value = value.rstrip()
    start = len(value) - len(value.lstrip())
    start += next((len(scheme) for scheme in _SCHEMES if value.lstrip().lower().startswith(scheme)), 0)
    hidden = value[:start] + secrets.stand_in(value[start:], in_field(value[start:]))
    _learn(lower, value.strip(), secrets)
    return name + colon + hidden + ending, lower, b"", True


def _learn(name: bytes, value: bytes, secrets: Secrets) -> None:
    if b"cookie" in name:
        # RFC 6265: attributes of Set-Cookie are no secrets, and stand behind the first pair.
        pairs = value.split(b";")
        for pair in pairs[:1] if name.startswith(b"set-") else pairs:
            secrets.learn(pair.partition(b"=")[2])
        return
    scheme, _, credentials = value.partition(b" ")
    if scheme.lower() + b" " not in _SCHEMES:
        secrets.learn(value)
        return
    secrets.learn(credentials)
    if scheme.lower() == b"basic":
        try:
            login, _, passcode = b64decode(credentials, validate=False).partition(b":")
        except ValueError:
            return
        if passcode != login:
            secrets.learn(passcode)
