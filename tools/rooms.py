"""Writes docs/rooms.md from the first lines of every module: what lives where, and what it must not know.

`--check` says whether the page is stale instead. This file must not know what any module does.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools import piping

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "rooms.md"
WINGS = ("stomp_sansio", "adapters")

HEADING = """# The rooms

Made by `python -m tools.rooms` from the first lines of the modules: what lives in each, and what it must
not know.
[Design](design.md) says why the house is built this way.
"""


def modules() -> Iterator[tuple[str, str]]:
    """Yields each module of the library, by its path, with its docstring."""
    for wing in WINGS:
        for path in sorted((ROOT / wing).rglob("*.py"), key=lambda path: (path.parent, path.name)):
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            yield path.relative_to(ROOT).as_posix(), text or ""


def page() -> str:
    """Returns the page as it should be."""
    lines, folder = [HEADING], ""
    for path, text in modules():
        place, _, name = path.rpartition("/")
        if place != folder:
            folder = place
            lines.append(f"\n## `{place}/`\n")
        rules = " ".join(" ".join(text.split()).split("\n"))
        lines.append(f"- `{name}`: {rules}")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> int:
    """Writes the page, or checks it; the exit status says whether it was fresh."""
    parser = argparse.ArgumentParser(prog="python -m tools.rooms", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is stale")
    fresh = page()
    if not parser.parse_args(argv).check:
        PAGE.write_text(fresh, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == fresh:
        return 0
    print("docs/rooms.md is stale: run python -m tools.rooms")
    return 1


if __name__ == "__main__":
    sys.exit(piping.run(main))
