"""`python -m tools.fuzz_corpus [--check]`: makes the seeds of the protocol's fuzzers out of the vectors.

A few seeds for each kind of thing that a file of vectors is about, from the shortest to the longest. This
file must not know what any vector demands, only how a fuzzer reads its input.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from fuzz import connection, conversation, server_connection
from fuzz.conversation import BODIES, NAMES, Operation
from fuzz.frames import VERSIONS
from stomp_sansio import Version
from tools import piping

__all__ = ["main", "seeds"]

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests" / "vectors"
CORPUS = ROOT / "fuzz" / "corpus"

Vector: TypeAlias = dict[str, Any]
_OptionT = TypeVar("_OptionT")


def seeds() -> dict[str, bytes]:
    """Return every seed by its path under fuzz/corpus."""
    made: dict[str, bytes] = {}
    for name, vectors, make, each in (
        ("frames", load("frames.json"), stream, 2),
        ("connection", [v for v in load("sessions.json") if v["role"] == "client"], client_script, 4),
        ("server_connection", [v for v in load("sessions.json") if v["role"] == "server"], server_script, 4),
    ):
        kinds: dict[tuple[str, str], list[tuple[bytes, str]]] = {}
        for vector in vectors:
            kind = (vector["topic"], str(vector.get("error", {}).get("kind", "")))
            kinds.setdefault(kind, []).append((make(vector), vector["id"]))
        for made_of in kinds.values():
            made_of.sort(key=lambda seed: (len(seed[0]), seed[1]))
            for place in range(each):
                seed, identity = made_of[place * (len(made_of) - 1) // (each - 1)]
                made[f"{name}/{identity}"] = seed
    return made


def load(name: str) -> list[Vector]:
    """Return a file of vectors."""
    vectors: list[Vector] = json.loads((VECTORS / name).read_bytes())
    return vectors


def stream(vector: Vector) -> bytes:
    """Return a vector of frames as the fuzzer of frames reads it."""
    mode = VERSIONS.index(Version(vector["version"]))
    mode |= 4 if vector["receiver"] == "client" else 0
    mode |= 8 if "limits" in vector else 0
    return bytes([mode, 1]) + base64.b64decode(vector["wire"])


# Scripts: each choice is the octet that makes it


def index(options: Sequence[_OptionT], wanted: _OptionT) -> int:
    """Return the octet that chooses an option; the first one stands for what is not among them."""
    return options.index(wanted) if wanted in options else 0


def named(options: Sequence[str | None], wanted: str | None) -> int:
    return index(options, wanted)


def beginning(vector: Vector, openings: Sequence[Operation]) -> bytes:
    """Return what a script begins with: versions, heart-beats, limits, cut, clock, and nothing said yet."""
    config = vector["config"]
    versions = tuple(Version(name) for name in config.get("versions", ["1.0", "1.1", "1.2"]))
    beats = 2 if any("advance_ms" in step for step in vector["steps"]) else 0
    nothing = openings.index(connection.not_opened)
    return bytes([index(conversation.VERSIONS, versions), beats, 3, 1, 0, nothing])


def common(step: Vector, operations: Sequence[Operation]) -> bytes | None:
    """Return a step that both roles know, or None when it is another one."""
    if "recv" in step:
        octets, made = base64.b64decode(step["recv"]), b""
        for start in range(0, len(octets), 255):
            piece = octets[start : start + 255]
            made += bytes([operations.index(conversation.raw), len(piece)]) + piece
        return made
    if "advance_ms" in step:
        return bytes([operations.index(conversation.time_out), operations.index(conversation.pass_time), 3])
    if "eof" in step:
        return bytes([operations.index(conversation.end)])
    if "sent" in step or "sent_match" in step:
        return bytes([operations.index(conversation.write_all)])
    return None if "do" in step else b""


def script(vector: Vector, module: Any, say: Callable[[Vector], Iterable[int]]) -> bytes:
    """Return a vector of sessions as a fuzzer of connections reads it."""
    made = beginning(vector, module.OPENINGS)
    for step in vector["steps"]:
        known = common(step, module.OPERATIONS)
        made += bytes(say(step["do"])) if known is None else known
    return made


def client_script(vector: Vector) -> bytes:
    return script(vector, connection, client_says)


def server_script(vector: Vector) -> bytes:
    return script(vector, server_connection, server_says)


ASKING = {
    "send": (connection.SEND, "destination"),
    "subscribe": (connection.SUBSCRIBE, "destination"),
    "begin": (connection.BEGIN, "transaction"),
    "commit": (connection.COMMIT, "transaction"),
    "abort": (connection.ABORT, "transaction"),
}


def client_says(call: Vector) -> list[int]:
    """Return a call of the client, as the steps of `fuzz.connection` read their choices."""
    operation, receipt = call["op"], call.get("receipt")
    optional = (None, *NAMES)
    number = connection.OPERATIONS.index
    if operation == "connect":
        return [number(connection.connect), 0, 0, 0]
    if operation == "disconnect":
        return [number(connection.disconnect), named(optional, receipt)]
    if operation == "unsubscribe":
        extra = (1 if receipt else 0) | (0 if "id" in call else 2)
        name = named(NAMES, call.get("id", call.get("destination")))
        return [number(connection.unsubscribe), name, extra, *([named(NAMES, receipt)] if receipt else [])]
    if operation in ("ack", "nack"):
        transaction = call.get("transaction")
        extra = (1 if receipt else 0) | (2 if transaction else 0)
        rest = [named(NAMES, name) for name in (receipt, transaction) if name]
        return [number(connection.ACK if operation == "ack" else connection.NACK), 0, extra, *rest]
    step, key = ASKING[operation]
    transaction = call.get("transaction") if operation == "send" else None
    extra = (1 if receipt else 0) | (2 if transaction else 0)
    made = [number(step), named(NAMES, call[key])]
    tail = [named(NAMES, name) for name in (receipt, transaction) if name]
    if operation == "send":
        tail.append(index(BODIES, b"x") if call.get("body") else 0)
    if operation == "subscribe":
        extra |= 0 if "id" in call else 16
        tail += [named(NAMES, call["id"])] if "id" in call else []
        tail.append(index(connection.MODES, call.get("ack")))
    return [*made, extra, *tail]


def server_says(call: Vector) -> list[int]:
    """Return a call of the server, as the steps of `fuzz.server_connection` read their choices."""
    operation = call["op"]
    number = server_connection.OPERATIONS.index
    if operation == "accept":
        return [number(server_connection.accept), named((None, *NAMES), call.get("session")), 0]
    if operation == "receipt":
        return [number(server_connection.receipt), named(NAMES, call["receipt_id"])]
    if operation in ("reject", "error"):
        step = server_connection.REJECT if operation == "reject" else server_connection.ERROR
        return [number(step), named(NAMES, call["message"]), 0, 0]
    subscription = named((*NAMES, None), call.get("subscription"))
    names = [named(NAMES, call["message_id"]), named(NAMES, call["destination"])]
    ack = named((None, None, *NAMES), call.get("ack"))
    return [number(server_connection.message), subscription, *names, ack, 1 if call.get("body") else 0, 0, 0]


def main(argv: Sequence[str]) -> int:
    """Write the seeds, or with --check tell whether they are those that the vectors give."""
    wanted = {CORPUS / name: seed for name, seed in seeds().items()}
    folders = {path.parent for path in wanted}
    there = {path for folder in folders if folder.is_dir() for path in folder.iterdir()}
    stale = [path for path in wanted if not path.exists() or path.read_bytes() != wanted[path]]
    stale += sorted(there - set(wanted))
    if "--check" in argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what the vectors give: python -m tools.fuzz_corpus")
        return 1 if stale else 0
    for path in there - set(wanted):
        path.unlink()
    for path, seed in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seed)
    print(f"{len(wanted)} seeds, {sum(map(len, wanted.values()))} octets")
    return 0


if __name__ == "__main__":
    sys.exit(piping.run(main))
