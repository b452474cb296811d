"""The demo's page: files are served as what they are, by a broker that keeps its rules, with npm or not."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stomp_cli import demo_page
from stomp_cli.demo_broker import CHAT, DemoBroker
from stomp_sansio import FrameParser, Version

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "adapters" / "stomp_cli" / "page"


@pytest.fixture
def broker() -> Iterator[DemoBroker]:
    with DemoBroker(0, None, 1.0, lambda kind, sentence: None, lambda event: None) as made:
        yield made


def ask(
    broker: DemoBroker, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    address = broker.page.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, fields, answer.read()
    finally:
        connection.close()


# Files


def test_every_file_is_served_as_what_it_is(broker: DemoBroker) -> None:
    types = {
        "/": "text/html; charset=utf-8",
        "/app.js": "text/javascript; charset=utf-8",
        "/style.css": "text/css; charset=utf-8",
        "/icon.svg": "image/svg+xml",
    }
    for path, content_type in types.items():
        status, fields, body = ask(broker, path)
        assert (status, fields["content-type"]) == (200, content_type)
        assert fields["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in fields["content-security-policy"]
        assert body == (PAGE / (path[1:] or "index.html")).read_bytes()
    assert ask(broker, "/", "HEAD")[1]["content-length"] == str((PAGE / "index.html").stat().st_size)
    assert ask(broker, "/package.json")[0] == 404
    assert ask(broker, "/../demo.py")[0] == 404


def test_whatever_a_file_refers_to_is_there() -> None:
    pages = demo_page.pages()
    for path, page in pages.items():
        if path.endswith((".js", "/")):
            text = page.body.decode()
            named = re.findall(r'(?:src|href)="(/[^"]*)"', text) + re.findall(r'from "\.(/[^"]+)"', text)
            assert [name for name in named if name not in pages] == []


def test_the_page_needs_nothing_that_its_policy_forbids() -> None:
    html = (PAGE / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|javascript:", html) == []
    assert re.findall(r'(?:src|href)="(?!/|#)', html) == []


def test_every_field_has_a_label() -> None:
    html = (PAGE / "index.html").read_text()
    fields = re.findall(r"<(?:input|select)[^>]*\bid=\"([\w-]+)\"", html)
    labels = re.findall(r"<label for=\"([\w-]+)\"", html)
    inside = re.findall(r"<label class=\"check\"><input id=\"([\w-]+)\"", html)
    assert sorted(fields) == sorted(labels + inside)
    assert len(re.findall(r'\bid="([\w-]+)"', html)) == len(set(re.findall(r'\bid="([\w-]+)"', html)))


def test_the_script_finds_the_elements_that_it_looks_for() -> None:
    ids = set(re.findall(r'\bid="([\w-]+)"', (PAGE / "index.html").read_text()))
    wanted = set(re.findall(r'\$\("([\w-]+)"\)', (PAGE / "app.js").read_text()))
    assert wanted
    assert wanted <= ids


def luminance(colour: str) -> float:
    colour = "".join(letter * 2 for letter in colour) if len(colour) == 3 else colour
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read_on_its_ground(dark: bool) -> None:
    """WCAG 2.1, 1.4.3: a contrast of 4.5."""
    sets = re.findall(r":root \{(.*?)\}", (PAGE / "style.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): #([0-9a-f]+)", sets[dark]))
    pairs = [(text, ground) for text in ("text", "quiet") for ground in ("ground", "card", "field")]
    pairs += [(text, "card") for text in ("out", "in", "bad", "warn", "accent")] + [("on-accent", "accent")]
    for text, ground in pairs:
        light, deep = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (deep + 0.05) >= 4.5, f"{text} on {ground}"


# Who may connect

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
}


@pytest.mark.parametrize("path", ["/stomp/websocket", "/stomp/0/s/websocket", "/ws"])
def test_a_page_from_elsewhere_may_not_connect(broker: DemoBroker, path: str) -> None:
    assert ask(broker, path, headers={**UPGRADE, "Origin": "https://evil.example"})[0] == 403
    assert ask(broker, path, headers={**UPGRADE, "Origin": "null"})[0] == 403
    assert ask(broker, path, headers={**UPGRADE, "Origin": broker.page.rstrip("/")})[0] == 101


def test_the_page_is_shown_under_the_names_that_are_allowed_alone(broker: DemoBroker) -> None:
    rebound = {"Host": "dev.example:80"}
    status, _, body = ask(broker, "/", headers=rebound)
    assert (status, b"--allow-host" in body) == (421, True)
    with DemoBroker(
        0, None, 1.0, lambda kind, sentence: None, lambda event: None, hosts=["dev.example"]
    ) as other:
        assert ask(other, "/", headers=rebound)[0] == 200
        assert ask(other, "/", headers={"Host": "x.example"})[0] == 421


def test_a_page_from_elsewhere_may_not_use_sockjs(broker: DemoBroker) -> None:
    for path, method in (("/stomp/info", "GET"), ("/stomp/0/s/xhr_streaming", "POST")):
        assert ask(broker, path, method, {"Origin": "https://evil.example"})[0] == 403
    assert ask(broker, "/stomp/info", headers={"Origin": broker.page.rstrip("/")})[0] == 200


def test_what_the_page_is_told_of_the_terminal_is_where_the_terminal_listens() -> None:
    assert f'value="{CHAT}"' in (PAGE / "index.html").read_text()
    assert f'subscribe("{CHAT}", "auto")' in (PAGE / "app.js").read_text()


# Libraries


def with_libraries(folder: Path) -> Path:
    """Make a folder as npm would leave it."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PAGE / name, folder / name)
    for name in ("@stomp/stompjs/bundles/stomp.umd.min.js", "sockjs-client/dist/sockjs.min.js"):
        path = folder / "node_modules" / name
        path.parent.mkdir(parents=True)
        path.write_text(name)
    return folder


def test_libraries_that_are_there_are_served(tmp_path: Path) -> None:
    with_libraries(tmp_path)
    assert demo_page.is_installed(tmp_path)
    assert demo_page.install(tmp_path) is None
    pages = demo_page.pages(tmp_path)
    assert pages["/clients/sockjs.min.js"].body == b"sockjs-client/dist/sockjs.min.js"
    assert pages["/clients/stomp.umd.min.js"].content_type.startswith("text/javascript")
    assert "/clients/sockjs.min.js" not in demo_page.pages()


def test_the_lock_file_names_what_the_package_wants() -> None:
    wanted = json.loads((PAGE / "package.json").read_text())["dependencies"]
    locked = json.loads((PAGE / "package-lock.json").read_text())["packages"]
    assert locked[""]["dependencies"] == wanted
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")


def npm_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> Path:
    """Put a program called npm first on PATH; return the folder to install into."""
    programs = tmp_path / "bin"
    programs.mkdir()
    npm = programs / "npm"
    npm.write_text(f"#!/bin/sh\n{does}\n")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "libraries"


def test_without_npm_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert demo_page.install(tmp_path / "libraries") == "npm is not installed"


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        ("echo; echo 'npm error network' >&2; exit 1", "npm failed: npm error network"),
        ("exit 1", "npm failed: it did not say why"),
    ],
)
def test_an_npm_that_fails_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, problem: str
) -> None:
    assert demo_page.install(npm_that(tmp_path, monkeypatch, does)) == problem


def test_an_npm_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = npm_that(tmp_path, monkeypatch, "exec sleep 600")
    started: list[subprocess.Popen[str]] = []
    assert demo_page.install(folder, seconds=0.2, started=started.append) == "npm took more than 0.2 s"
    assert started[0].poll() is not None


def test_a_folder_that_cannot_be_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_that(tmp_path, monkeypatch, "exit 0")
    (tmp_path / "file").touch()
    problem = demo_page.install(tmp_path / "file" / "libraries")
    assert problem is not None
    assert problem.startswith("npm cannot be used: ")


def test_npm_gets_the_lock_file_and_runs_no_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = npm_that(tmp_path, monkeypatch, 'echo "$@" > arguments')
    assert demo_page.install(folder) is None
    arguments = (folder / "arguments").read_text().split()
    assert arguments[0] == "ci"
    assert "--ignore-scripts" in arguments
    assert (folder / "package-lock.json").read_bytes() == (PAGE / "package-lock.json").read_bytes()


# The page's own client


def in_node(inputs: list[list[bytes]], frames: list[tuple[str, dict[str, str], str]]) -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node here to run the page's own client in")
    encoded = [[base64.b64encode(chunk).decode() for chunk in chunks] for chunks in inputs]
    done = subprocess.run(
        [node, str(Path(__file__).with_name("stomp_client.mjs")), str(PAGE / "stomp.js")],
        input=json.dumps({"inputs": encoded, "frames": frames}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def cuts(wire: bytes) -> list[list[bytes]]:
    return [[wire], [bytes([octet]) for octet in wire], [wire[: len(wire) // 2], wire[len(wire) // 2 :]]]


def test_its_own_client_reads_frames_as_the_vectors_say() -> None:
    vectors = json.loads((ROOT / "tests" / "vectors" / "frames.json").read_text())
    chosen = [
        vector
        for vector in vectors
        if vector["version"] == "1.2"
        and vector["receiver"] == "client"
        and "error" not in vector
        and "limits" not in vector
        and vector["frames"]
        and all(
            frame["command"] in ("CONNECTED", "MESSAGE", "RECEIPT", "ERROR") for frame in vector["frames"]
        )
    ]
    assert len(chosen) >= 20
    wires = [base64.b64decode(vector["wire"]) for vector in chosen]
    answers = in_node([cut for wire in wires for cut in cuts(wire)], [])["read"]
    wrong: list[str] = []
    for number, vector in enumerate(chosen):
        for answer in answers[3 * number : 3 * number + 3]:
            found = [frame for frame in answer["found"] if frame["command"]]
            wanted = [
                {
                    "command": frame["command"],
                    "headers": dict(reversed(frame["headers"])),
                    "body": base64.b64decode(frame["body"]).decode("utf-8", "replace"),
                }
                for frame in vector["frames"]
            ]
            if "error" in answer or found != wanted:
                wrong.append(f"{vector['id']}: {answer} instead of {wanted}")
    assert wrong == []


def test_its_own_client_writes_what_the_parser_reads() -> None:
    frames = [
        ("CONNECT", {"accept-version": "1.2", "host": "a.example"}, ""),
        ("SEND", {"destination": "/topic/a:b\\c", "x\ny": "\r"}, "größe 🎉"),
        ("SEND", {"destination": "/topic/a"}, "\0 inside"),
        ("DISCONNECT", {"receipt": "good-bye"}, ""),
    ]
    for (command, headers, body), octets in zip(frames, in_node([], frames)["written"], strict=True):
        parser = FrameParser(version=Version.V1_2)
        parser.receive_data(base64.b64decode(octets))
        frame = parser.next_frame()
        assert frame is not None
        length = {"content-length": str(len(body.encode()))} if body else {}
        assert (frame.command, dict(frame.headers), frame.body.decode()) == (command, headers | length, body)
