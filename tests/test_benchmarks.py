"""The benchmarks measure what they say: corpora against their truth, verdicts against toys that count steps.

No test here looks at a clock: where time is judged, a toy says what it cost.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import pytest

from benchmarks import (
    client,
    corpora,
    encoding,
    floors,
    imports,
    links,
    memory,
    ours,
    parse,
    peers,
    server_clients,
)
from benchmarks.__main__ import main
from benchmarks.gate import gate
from benchmarks.growth import Cost, Prepare, cpu_cost, growth, growths
from benchmarks.measure import InProcess, interleave
from benchmarks.report import Report
from benchmarks.shapes import SHAPES, Shape
from benchmarks.targets import TARGETS, verdict

ROOT = Path(__file__).resolve().parent.parent
NO_PEERS = peers.Peers()


def silent() -> Report:
    return Report(out=io.StringIO())


def printed(report: Report) -> str:
    assert isinstance(report.out, io.StringIO)
    return report.out.getvalue()


# Corpora and floors


@pytest.mark.parametrize("name", corpora.CORPORA)
def test_a_corpus_is_the_same_each_time(name: str):
    assert corpora.SMALL[name]() == corpora.SMALL[name]()


@pytest.mark.parametrize("name", corpora.CORPORA)
def test_a_small_corpus_has_the_shape_of_the_large_one(name: str):
    small, large = corpora.SMALL[name](), corpora.CORPORA[name]()
    assert small.name == large.name == name
    assert len(small.truth) <= len(large.truth)
    assert list(small.truth[0][1])[:2] == list(large.truth[0][1])[:2]


def test_a_corpus_is_written_as_stomp_1_2_says():
    assert corpora.render("SEND", {"a:b": "c\\d\r\n"}, b"\0") == b"SEND\na\\cb:c\\\\d\\r\\n\n\n\0\0"


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_cutting_loses_nothing(size: int):
    data = corpora.SMALL["rabbit"]().data
    pieces = corpora.cut(data, size)
    assert b"".join(pieces) == data
    assert {len(piece) for piece in pieces[:-1]} <= {size}


@pytest.mark.parametrize("name", ["rabbit", "spring", "tiny", "escaped", "many", "big"])
@pytest.mark.parametrize("floor", [floors.floor_a, floors.floor_b, floors.floor_c])
def test_a_floor_meets_every_frame(name: str, floor: Callable[[Sequence[bytes]], int]):
    corpus = corpora.SMALL[name]()
    assert floor(corpora.cut(corpus.data, 100)) == len(corpus.truth)


def test_the_floors_of_encoding_write_the_frame():
    expected = corpora.render("SEND", encoding.PLAIN, encoding.BODY)
    assert floors.floor_encode(encoding.PLAIN, encoding.BODY) == expected
    pieces = [f"{name}:{value}\n".encode() for name, value in encoding.PLAIN.items()]
    assert floors.floor_join(pieces, encoding.BODY) == expected


# Correctness before time


@pytest.mark.parametrize("name", corpora.CORPORA)
@pytest.mark.parametrize("size", [1_000_000, 1_448, 1])
@pytest.mark.parametrize("subject", parse.COLLECT)
def test_what_is_timed_finds_what_the_corpus_says(name: str, size: int, subject: str):
    parse.check(corpora.SMALL[name](), subject, parse.COLLECT[subject], size)


@pytest.mark.parametrize("subject", parse.OURS)
def test_what_is_timed_counts_what_the_corpus_has(subject: str):
    corpus = corpora.SMALL["rabbit"]()
    assert parse.OURS[subject]()(corpora.cut(corpus.data, 1_448)) == len(corpus.truth)


def without_the_last(chunks: Iterable[bytes]) -> list[corpora.Triple]:
    return ours.collect_parser(chunks)[:-1]


def with_a_wrong_body(chunks: Iterable[bytes]) -> list[corpora.Triple]:
    return [(command, headers, body + b"!") for command, headers, body in ours.collect_parser(chunks)]


@pytest.mark.parametrize(
    ("collect", "complaint"), [(without_the_last, "59 frames, not 60"), (with_a_wrong_body, "frame 0")]
)
def test_a_parser_that_is_wrong_is_not_timed(
    collect: Callable[[Iterable[bytes]], list[corpora.Triple]], complaint: str
):
    with pytest.raises(parse.Wrong, match=complaint):
        parse.check(corpora.SMALL["rabbit"](), "toy", collect, 1_448)


# The stop-watch


class Recorder:
    """A runner that takes what it is told to take, and says when it ran."""

    def __init__(self, name: str, seconds: float, log: list[str]) -> None:
        self.name = name
        self._seconds = seconds
        self._log = log

    def run(self, passes: int) -> float:
        self._log.append(self.name)
        return self._seconds


def test_runners_take_turns_and_the_order_alternates():
    log: list[str] = []
    timings = interleave([Recorder("a", 0.1, log), Recorder("b", 0.3, log)], rounds=2)
    assert log == ["a", "b", "a", "b", "b", "a"]
    assert timings["b"].median == timings["b"].best == 0.3


def test_what_is_slow_is_sampled_twice():
    log: list[str] = []
    interleave([Recorder("slow", 3.0, log), Recorder("fast", 0.1, log)], rounds=5)
    assert log.count("slow") == 1 + 2
    assert log.count("fast") == 1 + 5


def test_each_pass_gets_a_fresh_subject():
    made: list[int] = []
    used: list[int] = []

    def fresh() -> Callable[[], object]:
        number = len(made)
        made.append(number)
        return lambda: used.append(number)

    InProcess("toy", fresh).run(3)
    assert made == used == [0, 1, 2]


# Growth: toys that count the octets they touch


class Counter:
    steps = 0


def linear(counter: Counter) -> Prepare:
    """A parser that remembers how far it searched."""

    def prepare(size: int) -> Callable[[], object]:
        def run() -> None:
            counter.steps += size

        return run

    return prepare


def forgetful(counter: Counter) -> Prepare:
    """A parser that looks for the end of a head from its start whenever eight octets come."""

    def prepare(size: int) -> Callable[[], object]:
        def run() -> None:
            held = b""
            for _ in range(size // 8):
                held += b"x" * 8
                held.find(b"\n\n")
                counter.steps += len(held)

        return run

    return prepare


def counted(counter: Counter) -> Callable[[Prepare], Cost]:
    """Return what `cpu_cost` is to a clock: the cost of a run in steps."""

    def cost_of(prepare: Prepare) -> Cost:
        def cost(size: int) -> float:
            before = counter.steps
            prepare(size)()
            return counter.steps - before

        return cost

    return cost_of


def test_the_gate_lets_linear_work_pass():
    counter, report = Counter(), silent()
    assert gate(report, [Shape("toy", linear(counter))], sizes=(1_024, 8_192), cost_of=counted(counter))
    assert "1 shapes passed, 0 failed" in printed(report)


def test_the_gate_stops_quadratic_work_and_names_it():
    counter, report = Counter(), silent()
    shapes = [Shape("fine", linear(counter)), Shape("forgetful", forgetful(counter))]
    assert not gate(report, shapes, sizes=(1_024, 8_192), cost_of=counted(counter))
    assert "too steep: forgetful" in printed(report)
    assert "1 shapes passed, 1 failed" in printed(report)


def test_a_gate_that_tried_nothing_does_not_pass():
    assert not gate(silent(), [])


def test_larger_sizes_are_not_tried_behind_one_that_is_too_steep():
    counter = Counter()
    cost = counted(counter)(forgetful(counter))
    assert [found.size for found in growths(cost, (1_024, 2_048, 4_096))] == [1_024]


def test_noise_that_passes_does_not_fail_linear_work():
    rounds = 0

    def cost(size: int) -> float:
        nonlocal rounds
        rounds += 1
        return size * (3.0 if size == 2_048 and rounds < 8 else 1.0)

    assert growth(cost, 2_048).ratio == 2.0


def test_a_steep_verdict_is_asked_for_again_before_it_stands():
    asked: list[int] = []

    def cost(size: int) -> float:
        asked.append(size)
        return float(size) ** 2

    assert not growth(cost, 64, patience=5).fine
    assert asked == [4, 64] * 5


def test_the_cost_of_a_run_is_its_cpu_time():
    ran: list[int] = []
    cost = cpu_cost(lambda size: lambda: ran.append(size), seconds=0.0)
    assert cost(5) >= 0.0
    assert ran == [5]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_shape_does_what_it_says(shape: Shape):
    shape.prepare(16_384)()  # raises when it would measure nothing


# Memory


def test_a_parser_that_keeps_everything_twice_is_seen():
    corpus = corpora.large(1, 1 << 18)

    def hoarder() -> ours.Count:
        def count(chunks: Sequence[bytes]) -> int:
            held = list(chunks)
            whole = b"".join(held)
            return whole.count(b"MESSAGE")

        return count

    assert memory.peak(hoarder, corpus) > 1.9
    assert memory.peak(ours.fresh_parser, corpus) < 1.5


def test_memory_is_not_judged_when_the_frame_is_missing():
    with pytest.raises(ValueError, match="0 frames"):
        memory.peak(lambda: lambda chunks: 0, corpora.large(1, 1_024))


# Targets and reports


def test_a_target_is_reached_or_missed():
    assert verdict("parse rabbit 65536 FrameParser", 1.4) == ("<= 1.4: reached", True)
    assert verdict("parse rabbit 65536 FrameParser", 1.41) == ("<= 1.4: missed", False)
    assert verdict("parse rabbit 65536 FrameParser against stomp.py", 6.4) == (">= 6.5: missed", False)
    assert verdict("no target", 1e9) == ("", True)


def test_every_target_belongs_to_a_figure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parse, "CORPORA", corpora.SMALL)
    monkeypatch.setattr(encoding, "CALLS", 1)
    for module in (parse, encoding, memory, links):
        monkeypatch.setattr(module, "interleave", partial(interleave, seconds=0.0))
    report = silent()
    parse.run(report, corpora=list(corpora.CORPORA), chunks=parse.CHUNKS, rounds=1, peers=NO_PEERS)
    encoding.run(report, rounds=1, peers=NO_PEERS)
    memory.run(report, rounds=1, peers=NO_PEERS)
    imports.run(report, rounds=1, peers=NO_PEERS)
    links.run(report, rounds=1)
    names = {figure.name for figure in report.figures}
    # What needs other processes has test files of its own, or a real server.
    here = {name for name in TARGETS if not name.startswith(("broker ", "client ", "servers "))}
    assert {name for name in here if " against " not in name} <= names
    against = {name.rpartition(" against ") for name in here if " against " in name}
    assert {subject for subject, _, _ in against} <= names
    assert {peer for _, _, peer in against} == {"stomp.py", "stompman", "stompest", "stompjs"}


def test_every_target_of_the_clients_belongs_to_a_figure(monkeypatch: pytest.MonkeyPatch):
    ours = [server_clients.Trio(), server_clients.Asyncio(), server_clients.Blocking()]
    monkeypatch.setattr(client, "contestants", lambda say: ours)
    for name, count in (("_MESSAGES", 20), ("_TRIPS", 3), ("_IDLE", 2)):
        monkeypatch.setattr(client, name, count)
    report = silent()
    client.run(report, rounds=1)
    names = {figure.name for figure in report.figures}
    wanted = {name.partition(" against ")[0] for name in TARGETS if name.startswith("client ")}
    assert wanted <= names


def test_a_peer_that_loses_frames_is_told_and_not_timed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parse, "CORPORA", corpora.SMALL)
    lossy = peers.PeerParser("lossy", lambda: lambda chunks: 1)
    report = silent()
    parse.run(report, corpora=["tiny"], chunks=[1_448], rounds=1, peers=peers.Peers(parsers=(lossy,)))
    assert "wrong: 1 of 500 frames" in printed(report)
    assert not any("lossy" in figure.name for figure in report.figures)


def test_a_peer_beside_us_is_compared(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parse, "CORPORA", corpora.SMALL)
    twin = peers.PeerParser("twin", ours.fresh_parser)
    report = silent()
    parse.run(report, corpora=["tiny"], chunks=[1_448], rounds=1, peers=peers.Peers(parsers=(twin,)))
    assert "parse tiny 1448 FrameParser against twin" in {figure.name for figure in report.figures}


def test_a_summary_names_what_was_missed():
    report = silent()
    report.figure("import stomp_sansio", 26.0, "ms")
    report.figure("encode plain encode", 1.0, "x floor (b)")
    assert not report.summary()
    assert "targets: 1 reached, 1 missed" in printed(report)
    assert "missed: import stomp_sansio is 26.00 ms (<= 25: missed)" in printed(report)


def test_figures_can_be_read_by_a_machine(tmp_path: Path):
    report = silent()
    report.figure("import stomp_sansio", 5.0, "ms")
    report.write_json(tmp_path / "figures.json", {"python": "any"})
    assert json.loads((tmp_path / "figures.json").read_text()) == {
        "about": {"python": "any"},
        "figures": [
            {
                "name": "import stomp_sansio",
                "value": 5.0,
                "unit": "ms",
                "target": "<= 25: reached",
                "reached": True,
            }
        ],
    }


def test_a_table_is_markdown():
    report = silent()
    report.table("title", ["name", "n"], [["a", "10"]])
    assert printed(report).splitlines() == [
        "",
        "### title",
        "",
        "| name |  n |",
        "| ---- | -: |",
        "| a    | 10 |",
    ]


# The command line and the peers


@pytest.mark.parametrize(
    "argv", [["parse", "--corpus", "none"], ["parse", "--chunk", "x"], ["--rounds", "0"], ["cook"]]
)
def test_bad_arguments_are_told(argv: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_nothing_of_the_peers_is_imported_unasked():
    program = "import sys, benchmarks.__main__; print({'stomp', 'stompman', 'stompest'} & set(sys.modules))"
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert finished.stdout.strip() == "set()"


def test_without_a_network_the_peers_are_missing_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(peers, "FOLDER", tmp_path / "bench")
    monkeypatch.setattr("subprocess.run", offline)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("sys.path", list(sys.path))
    said: list[str] = []
    assert peers.install(said.append) == NO_PEERS
    assert [line.partition(":")[0] for line in said] == ["peers", "peers"]
    assert (tmp_path / "bench" / ".gitignore").read_text() == "*\n"


def test_without_node_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(peers, "FOLDER", tmp_path / "bench")
    monkeypatch.setattr("subprocess.run", offline)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("sys.path", list(sys.path))
    said: list[str] = []
    peers.install(said.append)
    assert said[-1] == "peers: no node and npm here; going on without stompjs"
