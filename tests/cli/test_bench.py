"""`stomp-sansio bench`: figures that add up, and a picture of them."""

from __future__ import annotations

import json
import signal
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_cli import bench
from stomp_cli.bench_figures import Figures, Samples, lines, percentile
from stomp_cli.bench_plot import plot
from stomp_cli.exits import Exit
from stomp_sansio.broker.events import MessageSent
from tests.cli.programs import PROGRAM, OnTerminal, Piped, without

SVG = "{http://www.w3.org/2000/svg}"


def test_figures_for_programs(broker, call, tmp_path):
    picture = tmp_path / "out.svg"
    said = call("bench", broker.url, "--seconds", "0.3", "--window", "7", "--json", "--plot", str(picture))
    assert said.code == Exit.OK
    figures = json.loads(said.out)
    sent = broker.saw(MessageSent)
    assert figures["alone"]["messages"] + figures["together"]["messages"] == len(sent) >= 8
    assert (figures["alone"]["window"], figures["together"]["window"]) == (1, 7)
    for part in (figures["alone"], figures["together"]):
        assert 0 < part["p50_ms"] <= part["p90_ms"] <= part["p99_ms"] <= part["max_ms"]
        assert part["per_second"] > 0
    assert {len(event.body) for event in sent} == {figures["size"]} == {200}
    assert len({event.destination for event in sent}) == 1
    assert said.err == f"{picture} shows the distribution\n"
    assert ElementTree.parse(picture).getroot().tag == f"{SVG}svg"


def test_figures_for_people(broker, call):
    said = call("bench", broker.url, "--seconds", "0.2", "--size", "16", "--destination", "/topic/mine")
    assert said.code == Exit.OK
    headings, alone, together = said.out.splitlines()
    assert headings.split() == [
        "messages",
        "per",
        "second",
        "p50",
        "ms",
        "p90",
        "ms",
        "p99",
        "ms",
        "max",
        "ms",
    ]
    assert alone.startswith("one at a time  ")
    assert together.startswith("100 at once    ")
    assert said.err == "stomp-sansio, STOMP 1.2\n"
    assert {event.destination for event in broker.saw(MessageSent)} == {"/topic/mine"}


@pytest.mark.parametrize("rich", [True, False])
def test_a_live_table(rich, broker):
    if rich:
        pytest.importorskip("rich", reason="rich is not installed: pip install 'stomp-sansio[cli]'")
    program = PROGRAM if rich else without("rich")
    with OnTerminal("bench", broker.url, "--seconds", "0.6", program=program) as terminal:
        terminal.wait_for("one at a time")
        terminal.wait_for("100 at once")
        assert terminal.end() == Exit.OK
    assert ("│" in terminal.seen) is rich
    # In the end the table stands there once.
    assert terminal.text.rstrip().splitlines()[-3].split()[:3] == ["messages", "per", "second"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, Exit.TERMINATED), (signal.SIGINT, Exit.INTERRUPTED)]
)
def test_it_can_be_ended(number, code, broker):
    with Piped("bench", broker.url, "--seconds", "600") as measuring:
        broker.wait_for(lambda: len(broker.saw(MessageSent)) > 10)
        measuring.signal(number)
        ended = measuring.end()
    assert (ended.code, ended.out) == (code, "")


def test_messages_that_somebody_else_takes(broker, call, monkeypatch):
    monkeypatch.setattr(bench, "_PATIENCE", 0.3)
    with Piped("listen", broker.url, "/queue/shared"):
        broker.wait_for_subscribers()
        said = call("bench", broker.url, "--seconds", "1", "--destination", "/queue/shared")
    assert said.code == Exit.TIMEOUT
    assert "does somebody else listen to the destination?" in said.err


def test_messages_of_somebody_else_are_not_counted(broker, call):
    with Piped(
        "send", broker.url, "/topic/shared", "somebody else's message", "--count", "100000", "--rate", "200"
    ):
        broker.wait_for(lambda: bool(broker.saw(MessageSent)))
        said = call("bench", broker.url, "--seconds", "0.3", "--destination", "/topic/shared", "--json")
    figures = json.loads(said.out)
    ours = [event for event in broker.saw(MessageSent) if len(event.body) == 200]
    assert figures["alone"]["messages"] + figures["together"]["messages"] == len(ours)


@pytest.mark.parametrize("option", ["--size=15", "--size=x", "--window=0", "--seconds=0"])
def test_numbers_that_make_no_sense(option, call):
    assert call("bench", "stomp://localhost", option).code == Exit.USAGE


def test_a_picture_that_cannot_be_written_is_said_before_anything_is_measured(call, tmp_path):
    said = call("bench", "stomp://127.0.0.1:1", "--plot", str(tmp_path / "no" / "out.svg"))
    assert (said.code, "the plot cannot be written" in said.err) == (Exit.USAGE, True)


# Figures


@given(st.lists(st.floats(0.0, 10.0), min_size=1), st.floats(0.0, 100.0))
def test_a_percentile_is_one_of_the_values_and_its_share_is_not_above_it(values, percent):
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= len(ordered) * percent / 100 - 1e-6


def test_percentiles_by_nearest_rank():
    ordered = [float(number) for number in range(1, 101)]
    assert [percentile(ordered, percent) for percent in (0, 1, 50, 99, 100)] == [1.0, 1.0, 50.0, 99.0, 100.0]
    assert percentile([], 50) == 0.0


def test_nothing_measured_has_no_rate():
    assert (Samples().rate, Figures(200, 100).rows()) == (0.0, [Figures(200, 100).rows()[0]])
    assert Figures(200, 100).as_json()["alone"]["max_ms"] == 0.0


def test_columns_line_up():
    assert lines([("", "a"), ("name", "12")]) == ["       a", "name  12"]


def figures(*latencies: float) -> Figures:
    found = Figures(200, 100)
    for number, latency in enumerate(latencies):
        found.alone.add(latency, number * 0.01)
        found.together.add(latency * 10, number * 0.01)
    return found


@given(st.lists(st.floats(0.0, 100.0), max_size=50))
def test_a_picture_stays_inside_its_frame(latencies):
    root = ElementTree.fromstring(plot(figures(*latencies), destination="<&\x1b>"))
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    for bar in root.iter(f"{SVG}rect"):
        x, y = float(bar.get("x", 0)), float(bar.get("y", 0))
        assert 0 <= x <= x + float(bar.attrib["width"]) <= width
        assert 0 <= y <= y + float(bar.attrib["height"]) <= height
    for curve in root.iter(f"{SVG}polyline"):
        points = [tuple(map(float, point.split(","))) for point in curve.attrib["points"].split()]
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
        # More messages took no longer than longer ones.
        assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)


def test_the_bars_are_the_messages():
    root = ElementTree.fromstring(plot(figures(*[0.001] * 90, *[0.1] * 10), destination="somewhere"))
    bars = [bar for bar in root.iter(f"{SVG}rect") if bar.get("fill-opacity")]
    heights = sorted(float(bar.attrib["height"]) for bar in bars)
    # Two latencies in two parts: the rarer has a ninth of the height.
    assert heights[:2] == pytest.approx([heights[-1] / 9] * 2, abs=0.1)
    assert len(bars) == 4


def test_a_narrow_terminal_gets_the_start_of_each_line_and_no_table(broker):
    with OnTerminal("bench", broker.url, "--seconds", "0.3", environ={"COLUMNS": "40"}) as terminal:
        assert terminal.end() == Exit.OK
    assert "one at a time" in terminal.text
    assert "│" not in terminal.text
