"""The import rules of the house, as tables, and the check that every import statement obeys them.

Reads source text with `ast` and never imports what it judges. It must not know what any module does.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools import piping

ROOT = Path(__file__).resolve().parent.parent

CORE = "stomp_sansio"

_CHANNELS = "socket ssl select selectors socketserver asyncio trio anyio http urllib smtplib ftplib telnetlib"
_WAITING = "threading _thread multiprocessing concurrent queue sched subprocess signal"
_INSTANTS_AND_CHANCE = "time datetime zoneinfo calendar random secrets uuid"
_SURROUNDINGS = "os posix pathlib shutil tempfile glob fileinput logging syslog getpass platform"
_DETOURS = "importlib imp runpy ctypes"

WORLD = frozenset(" ".join([_CHANNELS, _WAITING, _INSTANTS_AND_CHANCE, _SURROUNDINGS, _DETOURS]).split())
"""What the core must never import: everything through which the world could leak in or out."""

PURE_PARTS = frozenset({"urllib.parse", "http.HTTPStatus"})
"""Parts of packages that mix pure code with I/O; the rest of those packages is the world's."""

MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "errors": frozenset(),
    "redaction": frozenset(),
    "records": frozenset(),
    "machine": frozenset({"records"}),
    "protocol": frozenset({"errors", "records", "redaction", "machine"}),
    # A link carries octets: of the protocol it knows what has nothing to do with frames.
    "links": frozenset(
        {"errors", "records", "redaction", "machine"}
        | {"protocol.limits", "protocol.versions", "protocol.deadlines"}
    ),
    # A session is handed functions that make links: it knows what every link says, and imports none.
    "session": frozenset(
        {"errors", "records", "redaction", "machine", "protocol", "links.link", "links.strangers"}
    ),
    # A broker is handed what makes peers of streams: it knows what a server says of them, and no transport.
    "broker": frozenset(
        {"errors", "records", "redaction", "machine", "protocol"}
        | {"links.link", "links.peers", "links.schedule"}
    ),
    # Chooses a link for a URL: the one room that knows both links and sessions.
    "targets": frozenset({"errors", "records", "redaction", "machine", "protocol", "links", "session"}),
    # A broker on a port for all transports: the one room that knows both links and brokers.
    "serving": frozenset(
        {"errors", "records", "redaction", "machine", "protocol", "links", "broker", "capture"}
    ),
    # A driver's own part of the border, and what every client is made of: adapters add their colour.
    "tls": frozenset({"machine"}),
    "driver": frozenset({"machine", "tls"}),
    "client": frozenset(
        {"errors", "records", "redaction", "machine", "protocol", "session", "targets", "capture"}
    ),
    # Looks into what every transport carries.
    "capture": frozenset({"errors", "records", "redaction", "machine", "protocol", "links"}),
    # Names and values of headers, by server: it knows nothing of what carries them.
    "profiles": frozenset(),
    "testing": frozenset(
        {"errors", "records", "redaction", "machine", "protocol", "links", "session", "broker", "capture"}
        # A broker in memory has the real clients joined to it.
        | {"client"}
    ),
    # What `import stomp_sansio` brings must need nothing but the standard library.
    "": frozenset({"errors", "records", "redaction", "machine", "protocol", "session", "broker"}),
}
"""Each room of the core ("" is its front door, `__init__.py`), and the rooms or modules it may look into."""

THIRD_PARTY: Mapping[str, frozenset[str]] = {
    "links": frozenset({"wsproto", "h11"}),
    "targets": frozenset({"wsproto", "h11"}),
    "testing": frozenset({"hypothesis"}),
}
"""What a room may import beside the standard library. A room that is not listed may import nothing."""

ADAPTERS: Mapping[str, frozenset[str]] = {
    "stomp_trio": frozenset(),
    "stomp_asyncio": frozenset(),
    "stomp_blocking": frozenset(),
    "stomp_cli": frozenset({"stomp_trio", "stomp_asyncio", "stomp_blocking"}),
    "stomp_pytest": frozenset({"stomp_trio", "stomp_asyncio", "stomp_blocking"}),
}
"""Each adapter, and the other adapters that it may stand on."""

OUTSIDE = frozenset({"tests", "tools", "benchmarks", "fuzz", "examples", "docs"})
"""What is no part of the library, so that nothing in the library may import it."""


@dataclass(frozen=True)
class Import:
    """One name that a module imports, absolute, and the line that does it."""

    target: str
    line: int


def imports_of(source: str, module: str, *, is_package: bool) -> Iterator[Import]:
    """Yields all imports of a module, wherever they stand: in functions and under `TYPE_CHECKING` too.

    `from a import b` is the import of `a.b`, since `b` may be a module; whoever needs `a` cuts it off.
    A call of `__import__` is reported as an import of `importlib`: both go round the statements.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")
            if node.level:
                package = package[: len(package) - node.level + is_package]
                base = ".".join([*package, *([node.module] if node.module else [])])
            else:
                base = node.module or ""
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
            yield Import("importlib", node.lineno)


def violations(sources: Mapping[str, str]) -> list[str]:
    """Judges the modules of the library; returns one line for each import that breaks a rule.

    `sources` maps a path from the root of the repository, as `stomp_sansio/protocol/frames.py`, to its text.
    """
    modules = {_module_name(path): path for path in sources}
    found: list[str] = []
    graph: dict[str, set[str]] = {}
    for module, path in sorted(modules.items()):
        graph[module] = set()
        for imported in imports_of(sources[path], module, is_package=path.endswith("/__init__.py")):
            target = imported.target if imported.target in modules else imported.target.rpartition(".")[0]
            if target in modules and target != module:
                graph[module].add(target)
            complaint = _complaint(module, imported.target, target if target in modules else imported.target)
            if complaint:
                found.append(f"{path}:{imported.line}: {complaint}")
    return list(dict.fromkeys(found)) + _cycles(graph)  # several names of one statement are one complaint


def _module_name(path: str) -> str:
    return path.removeprefix("adapters/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _complaint(module: str, name: str, target: str) -> str | None:
    """Says what is wrong with one import: `name` as it is written, `target` the module that it means."""
    top = name.split(".")[0]
    if top in OUTSIDE:
        return f"{module} imports {target}, which is no part of the library"
    if module.split(".")[0] == CORE:
        return _core_complaint(module, name, target)
    adapter = module.split(".")[0]
    if adapter not in ADAPTERS:
        return f"{adapter} has no entry in ADAPTERS: say which adapters it may stand on"
    if top in ADAPTERS and top != adapter and top not in ADAPTERS[adapter]:
        return f"{adapter} imports {top}: adapters do not stand on each other"
    return None


def _core_complaint(module: str, name: str, target: str) -> str | None:
    top = name.split(".")[0]
    room = _room(module)
    if room not in MAY_IMPORT:
        return f"{CORE}/{room} has no entry in MAY_IMPORT: say which rooms it may look into"
    if top == CORE:
        other = _room(target)
        if other == room or any(
            f"{target}.".startswith(f"{CORE}.{allowed}.") for allowed in MAY_IMPORT[room]
        ):
            return None
        return f"{room or '__init__'} imports {target}: imports run the other way"
    if name in PURE_PARTS or any(name.startswith(f"{part}.") for part in PURE_PARTS):
        return None
    if top in WORLD:
        return f"{module} imports {name}, and the core touches nothing of the world"
    if top in ADAPTERS:
        return f"{module} imports {name}: nothing imports adapters"
    if top in sys.stdlib_module_names or top in THIRD_PARTY.get(room, ()):
        return None
    return f"{module} imports {name}, which is not in the standard library"


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def _cycles(graph: Mapping[str, set[str]]) -> list[str]:
    """Finds modules that, through others, import themselves; what only checkers import counts as well."""
    found: list[str] = []
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        if module in path:
            found.append("a circle of imports: " + " -> ".join([*path[path.index(module) :], module]))
        elif module not in done:
            for target in sorted(graph[module]):
                visit(target, [*path, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])
    return found


def library_sources() -> dict[str, str]:
    """Reads the library as it lies in this checkout."""
    paths = [*(ROOT / CORE).rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def main() -> int:
    """Prints each violation; the exit status says whether there was one."""
    sources = library_sources()
    found = violations(sources)
    for line in found:
        print(line)
    print(f"{len(sources)} modules, {len(found)} import(s) that break a rule")
    return 1 if found or not sources else 0


if __name__ == "__main__":
    sys.exit(piping.run(lambda argv: main()))
