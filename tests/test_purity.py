"""The core touches nothing of the world, imports run one way, and the checker notices what it forbids."""

import subprocess
import sys

import pytest

from tools.import_rules import ADAPTERS, CORE, ROOT, WORLD, library_sources, violations


def test_the_library_obeys_the_import_rules():
    sources = library_sources()
    assert f"{CORE}/protocol/parser.py" in sources
    assert violations(sources) == []


def test_every_adapter_of_this_checkout_has_rules():
    folders = {path.parent.name for path in (ROOT / "adapters").glob("*/__init__.py")}
    assert folders
    assert folders <= set(ADAPTERS)


def test_every_folder_of_the_library_is_a_package():
    sources = library_sources()
    folders = {path.rpartition("/")[0] for path in sources}
    assert [folder for folder in sorted(folders) if f"{folder}/__init__.py" not in sources] == []


def test_importing_the_library_needs_nothing_but_the_standard_library():
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {CORE}; print(*sys.modules)"
    # -I and -S: without the environment's packages, which would hide that one of them is needed
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    imported = {name.split(".")[0] for name in done.stdout.split()}
    assert CORE in imported
    assert imported - sys.stdlib_module_names - {CORE, "__main__"} == set()


def test_the_list_of_the_world_holds_what_the_design_names():
    named = "socket ssl select asyncio trio threading time datetime random secrets os logging"
    assert set(named.split()) <= WORLD


def test_threat_7_no_regular_expression_meets_what_a_peer_sent():
    """What takes time in no proportion to its size cannot come from one: there is none."""
    sources = {path: source for path, source in library_sources().items() if path.startswith(f"{CORE}/")}
    assert len(sources) > 50
    assert [
        path for path, source in sources.items() if ("import re\n" in source or "from re " in source)
    ] == []


def complaints(path: str, source: str) -> list[str]:
    """Judges one module beside a small library."""
    others = ["errors", "machine", "protocol/frames", "links/link", "links/plain", "session/session"]
    return violations({f"{CORE}/{name}.py": "" for name in others} | {path: source})


@pytest.mark.parametrize("name", sorted(WORLD))
def test_the_world_is_forbidden_in_the_core(name):
    for source in (f"import {name}", f"import {name}.part as x", f"from {name} import part"):
        (line,) = complaints("stomp_sansio/protocol/new.py", f"\n{source}")
        assert line.startswith("stomp_sansio/protocol/new.py:2: ")
        assert name in line


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import socket",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import socket",
        "try:\n    import socket\nexcept ImportError:\n    pass",
        "class A:\n    import os.path",
        "f = __import__('socket')",
    ],
)
def test_no_place_hides_an_import(source):
    assert len(complaints("stomp_sansio/protocol/new.py", source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("stomp_sansio/errors.py", "from stomp_sansio.protocol.frames import Frame"),
        ("stomp_sansio/errors.py", "from .protocol import frames"),
        ("stomp_sansio/machine.py", "from .errors import StompError"),
        ("stomp_sansio/protocol/new.py", "from ..links.plain import PlainLink"),
        ("stomp_sansio/protocol/new.py", "import stomp_sansio.session.session"),
        ("stomp_sansio/protocol/new.py", "from stomp_sansio import Frame"),
        ("stomp_sansio/links/new.py", "from ..protocol.frames import Frame"),
        ("stomp_sansio/links/new.py", "from ..session.session import Session"),
        ("stomp_sansio/session/new.py", "from ..links.plain import PlainLink"),
        ("stomp_sansio/session/new.py", "from .. import links"),
        ("stomp_sansio/__init__.py", "from .links.plain import PlainLink"),
        ("stomp_sansio/protocol/new.py", "import stomp_trio"),
        ("stomp_sansio/protocol/new.py", "import tools.demo"),
        ("adapters/stomp_trio/new.py", "import tests.helpers"),
        ("adapters/stomp_trio/new.py", "import stomp_asyncio"),
        ("adapters/stomp_new/__init__.py", "import stomp_sansio"),
        ("stomp_sansio/attic/new.py", "import json"),
    ],
)
def test_a_wrong_arrow_is_noticed(path, source):
    (line,) = complaints(path, source)
    assert line.startswith(f"{path}:1: ")


@pytest.mark.parametrize(
    "source", ["import wsproto", "import h11", "import attrs", "from hypothesis import given"]
)
def test_the_protocol_needs_no_package(source):
    (line,) = complaints("stomp_sansio/protocol/new.py", source)
    assert "not in the standard library" in line


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("stomp_sansio/protocol/new.py", "import json, re\nfrom collections.abc import Mapping"),
        ("stomp_sansio/protocol/new.py", "from ..errors import Fault\nfrom .frames import Frame"),
        (
            "stomp_sansio/links/new.py",
            "import wsproto, h11\nfrom urllib.parse import urlsplit\nfrom http import HTTPStatus",
        ),
        ("stomp_sansio/links/new.py", "from ..machine import StreamId\nfrom .plain import PlainLink"),
        ("stomp_sansio/session/new.py", "from ..protocol.frames import Frame"),
        ("stomp_sansio/session/new.py", "from ..links.link import Link, LinkClosed"),
        ("stomp_sansio/__init__.py", "from .errors import Fault\nfrom .protocol.frames import Frame"),
        ("adapters/stomp_trio/new.py", "import os, time, trio, socket\nfrom stomp_sansio.links import plain"),
        ("adapters/stomp_cli/new.py", "import stomp_trio\nfrom stomp_asyncio import connect"),
    ],
)
def test_a_right_arrow_is_not_complained_of(path, source):
    assert complaints(path, source) == []


def test_the_other_parts_of_half_pure_packages_are_forbidden():
    for source in (
        "import urllib.request",
        "from urllib import request",
        "import urllib",
        "import http.client",
    ):
        assert len(complaints("stomp_sansio/links/new.py", source)) == 1


def test_a_circle_of_imports_is_noticed():
    found = violations(
        {
            f"{CORE}/protocol/a.py": "from .b import x",
            f"{CORE}/protocol/b.py": "from . import c",
            f"{CORE}/protocol/c.py": "def f():\n    from .a import y",
        }
    )
    assert found == [
        "a circle of imports: stomp_sansio.protocol.a -> stomp_sansio.protocol.b -> stomp_sansio.protocol.c"
        " -> stomp_sansio.protocol.a"
    ]


def test_the_front_door_of_a_room_is_part_of_its_circle():
    found = violations(
        {f"{CORE}/protocol/__init__.py": "from .a import x", f"{CORE}/protocol/a.py": "from . import x"}
    )
    assert len(found) == 1
    assert "circle" in found[0]
