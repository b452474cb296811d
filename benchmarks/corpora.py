"""What is measured: streams of STOMP 1.2 frames, the same octets in every run, with what they must parse to.

Each corpus carries its ground truth, so a parser is checked before it is timed. This file must not know any
parser.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

__all__ = ["CORPORA", "SMALL", "Corpus", "Triple", "cut", "large", "render"]

KIB = 1024
MIB = 1024 * KIB

Triple = tuple[str, dict[str, str], bytes]
"""A frame as every parser can name it: command, headers (first wins), body."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", ":": "\\c"})


@dataclass(frozen=True, slots=True)
class Corpus:
    """A stream of frames and what it says."""

    name: str
    data: bytes
    truth: list[Triple]

    @property
    def per_frame(self) -> float:
        """Octets of the stream for each frame, line feeds between frames included."""
        return len(self.data) / len(self.truth)


def render(command: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return one frame as STOMP 1.2 writes it, escapes included.

    Written here, not imported: a ground truth must be independent.
    """
    lines = [
        command,
        *(f"{name.translate(_ESCAPES)}:{value.translate(_ESCAPES)}" for name, value in headers.items()),
    ]
    return "\n".join([*lines, "", ""]).encode() + body + b"\0"


def cut(data: bytes, size: int) -> list[bytes]:
    """Return `data` in chunks of `size` octets, as reads from a socket would bring it."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def _corpus(name: str, frames: Iterable[Triple], after_each: bytes = b"\n") -> Corpus:
    truth = list(frames)
    return Corpus(name, b"".join(render(*frame) + after_each for frame in truth), truth)


def _order(rng: random.Random, size: int) -> bytes:
    """Return a JSON object of exactly `size` octets: an order as a shop might publish it."""
    order: dict[str, object] = {
        "id": rng.randrange(10**8),
        "sku": f"A-{rng.randrange(10**6):06d}",
        "quantity": rng.randrange(1, 100),
        "price": f"{rng.randrange(1, 99_999) / 100:.2f}",
        "note": "",
    }
    order["note"] = "x" * (size - len(json.dumps(order)))
    return json.dumps(order).encode()


def rabbit(count: int = 2_000) -> Corpus:
    """MESSAGE as RabbitMQ relays it: ten headers, 200 octets of JSON, a line feed after each NUL."""
    rng = random.Random(11)
    return _corpus(
        "rabbit",
        (
            (
                "MESSAGE",
                {
                    "subscription": "sub-0",
                    "destination": "/queue/orders.eu-west-1",
                    "message-id": f"T_sub-0@@session-k4Zp9wQm2LxB7rTc0VnEyA@@{number}",
                    "redelivered": "false",
                    "x-trace-id": f"{rng.getrandbits(128):032x}",
                    "x-tenant": "acme",
                    "correlation-id": str(rng.randrange(10**9)),
                    "persistent": "true",
                    "content-type": "application/json",
                    "content-length": "200",
                },
                _order(rng, 200),
            )
            for number in range(1, count + 1)
        ),
    )


def spring(count: int = 2_000) -> Corpus:
    """MESSAGE as Spring's simple broker sends it: five headers, 300 octets of JSON, no line feed between."""
    rng = random.Random(12)
    return _corpus(
        "spring",
        (
            (
                "MESSAGE",
                {
                    "destination": "/topic/greetings",
                    "content-type": "application/json",
                    "subscription": "sub-0",
                    "message-id": f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-{number}",
                    "content-length": "300",
                },
                _order(rng, 300),
            )
            for number in range(count)
        ),
        after_each=b"",
    )


def tiny(count: int = 10_000) -> Corpus:
    """RECEIPT frames: one header and no body, so that what a frame costs by itself shows."""
    return _corpus("tiny", (("RECEIPT", {"receipt-id": f"message-{number}"}, b"") for number in range(count)))


def escaped(count: int = 2_000) -> Corpus:
    """MESSAGE with all four escapes in names and values, and words that are not ASCII: the dear path."""
    rng = random.Random(13)
    words = ("größe", "日本語", "emoji-🎉", "naïve", "Ελλάδα", "plain", "привет")
    return _corpus(
        "escaped",
        (
            (
                "MESSAGE",
                {
                    "subscription": "sub:0",
                    "destination": "/queue/" + rng.choice(words),
                    "message-id": f"ID:host-{number}:1:2",
                    "path": "C:\\temp\\" + rng.choice(words),
                    "lines": "first\nsecond\r\nthird",
                    "k:" + rng.choice(words): rng.choice(words),
                    "content-length": "64",
                },
                rng.choice((b"a", b"b")) * 64,
            )
            for number in range(count)
        ),
    )


def many(count: int = 500) -> Corpus:
    """MESSAGE with sixty headers: what a header costs shows."""
    rng = random.Random(14)
    return _corpus(
        "many",
        (
            (
                "MESSAGE",
                {
                    "subscription": "sub-0",
                    "message-id": f"m-{number}",
                    "destination": "/queue/many",
                    "content-length": "16",
                }
                | {
                    f"x-custom-header-{index:02d}": f"value-{rng.getrandbits(64):016x}" for index in range(56)
                },
                b"0123456789abcdef",
            )
            for number in range(count)
        ),
    )


def large(count: int = 4, size: int = MIB, *, text: bool = True) -> Corpus:
    """MESSAGE with bodies of `size` octets: text without a NUL, or random octets with a NUL in every 256."""
    rng = random.Random(15)
    block = bytes(rng.choices(b'abcdefghijklmnopqrstuvwxyz0123456789 \n{}":,', k=64 * KIB))
    return _corpus(
        "big" if text else "bigbin",
        (
            (
                "MESSAGE",
                {
                    "subscription": "sub-0",
                    "message-id": f"m-{number}",
                    "destination": "/queue/large",
                    "content-type": "text/plain" if text else "application/octet-stream",
                    "content-length": str(size),
                },
                (block * (size // len(block) + 1))[:size] if text else rng.randbytes(size),
            )
            for number in range(count)
        ),
    )


CORPORA: dict[str, Callable[[], Corpus]] = {
    "rabbit": rabbit,
    "spring": spring,
    "tiny": tiny,
    "big": large,
    "bigbin": lambda: large(text=False),
    "escaped": escaped,
    "many": many,
}

SMALL: dict[str, Callable[[], Corpus]] = {
    "rabbit": lambda: rabbit(60),
    "spring": lambda: spring(60),
    "tiny": lambda: tiny(500),
    "big": lambda: large(1, 20_000),
    "bigbin": lambda: large(1, 20_000, text=False),
    "escaped": lambda: escaped(60),
    "many": lambda: many(12),
}
"""The same in small: for chunks of one octet, and for checking before timing."""
