"""The page: a table a server, a row a scenario, and no cell that says more than was shown."""

import pytest

from tests.interop.matrix import matrix, summary
from tests.interop.running import Outcome, Result
from tests.interop.scenarios import SCENARIOS
from tests.interop.servers.all import SERVERS
from tests.interop.servers.server import Traits


def result(outcome, *, transport="tcp", adapter="stomp_trio", scenario="text", why=""):
    return Result("Example", transport, adapter, scenario, outcome, why)


def rows(results):
    page = matrix(results, {"Example": "1.0"}, {"Other": "no java here"}, "./dev interop")
    return page, {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| `")}


def test_each_outcome_has_its_sign_and_its_reason():
    page, table = rows(
        [
            result(Outcome.WORKS),
            result(Outcome.LACKS, scenario="selector", why="it has none"),
            result(Outcome.LEFT_OUT, scenario="greeting", why="no application"),
            result(Outcome.FAILED, scenario="json", why="TimeoutError"),
        ]
    )
    assert table["`text`"] == "| `text` | yes |"
    assert table["`selector`"] == "| `selector` | no |"
    assert table["`greeting`"] == "| `greeting` | - |"
    assert table["`json`"] == "| `json` | **FAILED** |"
    assert "- `selector`: it has none" in page
    assert "- Other: no java here" in page
    assert "## Example 1.0" in page


def test_what_worked_at_the_second_try_is_told():
    page, table = rows([result(Outcome.WORKS, why="at the second try: it stumbles")])
    assert table["`text`"] == "| `text` | yes |"
    assert "- `text`: at the second try: it stumbles" in page


def test_one_adapter_that_fails_is_named():
    _, table = rows([result(Outcome.WORKS), result(Outcome.FAILED, adapter="stomp_asyncio", why="x")])
    assert table["`text`"] == "| `text` | **FAILED** stomp_asyncio |"


def test_what_was_not_tried_does_not_pass_for_shown():
    _, table = rows(
        [result(Outcome.WORKS), result(Outcome.NOT_THERE, transport="ws", scenario="", why="no link")]
    )
    assert table["`text`"] == "| `text` | yes | not yet |"


def test_tables_of_servers_that_were_not_tried_stay_and_others_are_made_anew():
    before = matrix([result(Outcome.WORKS)], {"Example": "1.0"}, {}, "./dev interop first")
    other = Result("Other", "tcp", "stomp_trio", "text", Outcome.WORKS)
    both = matrix([other], {"Other": "7"}, {}, "./dev interop second", before)
    assert both.index("## Example 1.0") < both.index("## Other 7") < both.index("## The scenarios")
    assert both.count("./dev interop first") == both.count("./dev interop second") == 1
    again = matrix([result(Outcome.FAILED)], {"Example": "1.1"}, {}, "./dev interop third", both)
    assert "Example 1.0" not in again
    assert "./dev interop first" not in again
    assert "| `text` | **FAILED** |" in again
    assert again.count("## The scenarios") == 1


def test_the_summary_counts():
    assert summary([result(Outcome.WORKS)] * 3 + [result(Outcome.FAILED)]) == "3 works, 1 FAILED"


def test_scenarios_have_different_names():
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS) > 30


@pytest.mark.parametrize("server", SERVERS.values(), ids=list(SERVERS))
def test_a_server_speaks_of_scenarios_that_there_are(server):
    names = {scenario.name for scenario in SCENARIOS}
    spoken = {name.partition("@")[0] for name in [*server.traits.lacks, *server.traits.leaves_out]}
    assert spoken <= names
    assert not set(server.traits.lacks) & set(server.traits.leaves_out)


def test_a_lack_can_be_one_of_a_transport():
    traits = Traits(lacks={"binary@ws": "text only", "nack": "none"})
    assert traits.why_not("binary", "ws") == "text only"
    assert traits.why_not("binary", "tcp") is None
    assert traits.why_not("nack", "tcp") == "none"
