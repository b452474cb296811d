"""What README shows is what happens: its examples run, and print what it says they print."""

import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples():
    """Pairs each Python example with the text block that follows it directly; "" where none does."""
    blocks = FENCED.findall(README)
    following = [*blocks[1:], ("", "")]
    return [
        (source, text if kind == "text" else "")
        for (language, source), (kind, text) in zip(blocks, following, strict=True)
        if language == "python"
    ]


def test_examples_print_what_is_shown():
    assert examples()
    for source, shown in examples():
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, "README.md", "exec"), {"__name__": "__main__"})
        assert printed.getvalue() == shown


def test_files_that_it_links_to_exist():
    links = re.findall(r"\]\(([^)#]+)", README)
    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_sub_commands_that_it_names_exist():
    named = set(re.findall(r"\./dev (\w+)", README))
    known = (ROOT / "dev").read_text()
    assert {"demo", "test", "check"} <= named
    assert [name for name in named if f'"{name}": Command(' not in known] == []
