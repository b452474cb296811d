"""`./dev interop` itself: what cannot be had is skipped with its reason, or fails where it is required."""

import pytest

from tests.interop.running import Outcome, Result
from tests.interop.servers.process import DidNotStart
from tests.interop.servers.server import NotInstalled, Server, Traits
from tools import interop


class Missing(Server):
    """A server that is nowhere."""

    name = "Missing"
    traits = Traits()

    @classmethod
    def install(cls, say) -> None:
        raise NotInstalled("E: Unable to locate package missing")

    @classmethod
    def version(cls) -> str:
        raise NotInstalled("it is not installed")

    def start(self):
        raise NotImplementedError

    @property
    def doors(self):
        return ()


class There(Missing):
    """A server that runs, as far as anybody looks."""

    name = "There"

    @classmethod
    def install(cls, say):
        say("installing There")

    @classmethod
    def version(cls):
        return "1.0"

    def start(self):
        pass


class Broken(There):
    """A server that is installed and does not come up."""

    name = "Broken"

    def start(self):
        raise DidNotStart("Broken did not start: no disk")


class Unlucky(There):
    """A server whose first start meets a port that is somebody's by now."""

    name = "Unlucky"
    starts = 0

    def start(self):
        Unlucky.starts += 1
        if Unlucky.starts == 1:
            raise DidNotStart("Unlucky did not start: address in use")


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command with these servers, each scenario of which works; return its status and its lines."""
    monkeypatch.setattr(
        interop, "SERVERS", {"missing": Missing, "there": There, "broken": Broken, "unlucky": Unlucky}
    )
    monkeypatch.setattr("signal.signal", lambda number, handler: None)

    def run_server(server, *, names, transports, adapters, report):
        return [Result(server.name, "tcp", "stomp_trio", "text", Outcome.WORKS)]

    monkeypatch.setattr(interop, "run_server", run_server)

    def run(*arguments):
        status = interop.main(arguments)
        return status, capsys.readouterr().out.splitlines()

    return run


def test_what_cannot_be_had_is_skipped_by_name_with_its_reason(command):
    status, lines = command("missing", "there")
    assert status == 0
    assert "interop: Missing is skipped: E: Unable to locate package missing" in lines
    assert "interop: ran: There 1.0; skipped: Missing" in lines
    assert lines[-1] == "1 passed, 0 failed"


def test_what_is_required_and_cannot_be_had_is_a_failure(command):
    status, lines = command("--required", "missing", "there")
    assert status == 1
    assert "interop: Missing is required: E: Unable to locate package missing" in lines
    assert lines[-1] == "1 passed, 1 failed"


def test_what_is_required_and_there_is_no_failure(command):
    status, lines = command("--required", "there")
    assert status == 0
    assert "interop: ran: There 1.0; skipped: none" in lines


def test_nothing_at_all_is_a_failure(command):
    assert command("missing")[0] == 1


def test_what_is_installed_and_does_not_start_is_a_failure(command):
    status, lines = command("broken")
    assert status == 1
    assert lines[-1] == "0 passed, 1 failed"
    assert any("no disk" in line for line in lines)


def test_what_does_not_start_gets_one_more_chance_and_that_is_said(command):
    status, lines = command("unlucky")
    assert (status, lines[-1], Unlucky.starts) == (0, "1 passed, 0 failed", 2)
    assert "interop: Unlucky did not start: address in use" in lines


def test_nothing_is_installed_where_that_is_not_wanted(command):
    status, lines = command("--no-install", "missing", "there")
    assert status == 0
    assert "interop: Missing is skipped: it is not installed" in lines
    assert "interop: installing There" not in lines


def test_a_server_that_is_unknown_is_refused(command):
    with pytest.raises(SystemExit):
        command("nowhere")
