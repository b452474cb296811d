"""The pages about servers: every scenario that they name is there, examples run, no link is dead."""

import re
from pathlib import Path

import pytest

from stomp_sansio.profiles import activemq, artemis, rabbitmq, spring
from tests.interop.scenarios import SCENARIOS
from tests.interop.servers.all import SERVERS

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "servers").glob("*.md"))
PROFILES = {"activemq": activemq, "artemis": artemis, "rabbitmq": rabbitmq, "spring": spring}

WRITTEN = [page for page in PAGES if "page is written by that command alone" not in page.read_text()]
"""The pages that people write; the others are made by the command that they name."""

by_name = pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)


def test_there_are_pages():
    assert {"index", "rabbitmq", "activemq", "artemis", "spring", "sockjs-node", "cluster"} <= {
        page.stem for page in WRITTEN
    }


@by_name
def test_every_scenario_that_is_named_is_there(page):
    known = {scenario.name for scenario in SCENARIOS}
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    claims = re.findall(r"\(((?:`[a-z-]+`(?:, )?)+(?:\.\.\.)?)\)", text)
    cells = re.findall(r"\| ((?:`[a-z-]+`(?:, )?)+) \|$", text, flags=re.MULTILINE)
    named = {name for claim in [*claims, *cells] for name in re.findall(r"`([a-z-]+)`", claim)}
    assert named <= known
    if page.stem not in ("index", "cluster", "figures"):
        assert len(named) > 3


@by_name
def test_every_example_runs(page):
    for source in re.findall(r"^```python\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL):
        exec(compile(source, page.name, "exec"), {})


@by_name
def test_every_function_of_a_profile_that_is_named_is_there(page):
    for module, name in re.findall(r"\b(activemq|artemis|rabbitmq|spring)\.(\w+)\(", page.read_text()):
        assert name in PROFILES[module].__all__


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@by_name
def test_every_server_that_is_named_to_the_command_is_there(page):
    for arguments in re.findall(
        r"\./dev interop ([a-z][a-z -]*?)(?:  |$)", page.read_text(), flags=re.MULTILINE
    ):
        assert set(arguments.split()) <= {*SERVERS, "clients"}
