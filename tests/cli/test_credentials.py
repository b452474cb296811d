"""Passcodes: from a file, the environment or a person, and never from a command line."""

import io
import signal

import pytest

from stomp_cli.credentials import read_passcode, read_secret_file
from stomp_cli.exits import Exit, UsageError
from stomp_sansio.broker.events import MessageSent
from tests.cli.programs import CANARY, Broker, OnTerminal, run


def test_a_file_comes_before_the_environment(tmp_path):
    (tmp_path / "passcode").write_text(f"{CANARY}\nsomething else\n")
    assert read_passcode("ada", str(tmp_path / "passcode"), {"STOMP_PASSCODE": "other"}) == CANARY


def test_the_environment_comes_before_a_person():
    assert read_passcode("ada", None, {"STOMP_PASSCODE": CANARY}, ask=lambda prompt: "asked") == CANARY


def test_an_empty_variable_is_none():
    assert read_passcode("ada", None, {"STOMP_PASSCODE": ""}, ask=lambda prompt: "asked") == "asked"


def test_an_empty_variable_logs_nobody_in(call, monkeypatch):
    monkeypatch.setenv("STOMP_PASSCODE", "")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with Broker(login={"ada": ""}) as broker:
        said = call("send", broker.url, "/queue/a", "x", "--login", "ada")
        assert (said.code, "the login needs a passcode" in said.err) == (Exit.USAGE, True)
        # Who means it writes it.
        assert call("send", broker.url.replace("//", "//ada:@"), "/queue/a", "x").code == Exit.OK


def test_a_person_is_asked():
    asked: list[str] = []

    def ask(prompt):
        asked.append(prompt)
        return CANARY

    assert read_passcode("a\x1bda", None, {}, ask=ask) == CANARY
    assert asked == ["Passcode for a\\x1bda: "]


def test_nobody_is_there_to_be_asked(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with pytest.raises(UsageError, match="--passcode-file FILE, or STOMP_PASSCODE"):
        read_passcode("ada", None, {})


def test_standard_input_is_a_file_too(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))
    assert read_secret_file("-") == CANARY


def test_what_stands_behind_it_on_standard_input_is_a_body(guarded):
    sent = run(
        *("send", guarded.url, "/queue/a", "-", "--login", "ada", "--passcode-file", "-", "--receipt"),
        stdin=f"{CANARY}\n".encode() + b"\xffbody\n" * 5_000,
    )
    assert (sent.code, sent.err) == (Exit.OK, "")
    (message,) = guarded.saw(MessageSent)
    assert message.body == b"\xffbody\n" * 5_000


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_passcode_is_refused(content, tmp_path):
    (tmp_path / "passcode").write_bytes(content)
    with pytest.raises(UsageError, match="passcode file"):
        read_secret_file(str(tmp_path / "passcode"))


def test_no_octet_of_a_file_that_is_no_text_is_shown(tmp_path):
    (tmp_path / "passcode").write_bytes(b"\xad")
    with pytest.raises(UsageError, match="no text in UTF-8") as refused:
        read_secret_file(str(tmp_path / "passcode"))
    assert "ad" not in str(refused.value).replace("passcode", "").replace("read", "")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_secret_file(str(tmp_path / "passcode"))


def test_a_prompt_shows_nothing_that_is_typed(guarded):
    with OnTerminal("send", guarded.url, "/queue/a", "x", "--receipt", "--login", "ada") as terminal:
        terminal.wait_for("Passcode for ada: ")
        terminal.press(f"{CANARY}\n")
        assert terminal.end() == Exit.OK
    assert CANARY not in terminal.seen
    assert guarded.waiting("/queue/a") == 1


@pytest.mark.parametrize(
    ("end", "code"), [("\x03", Exit.INTERRUPTED), ("\x04", Exit.USAGE), (signal.SIGTERM, Exit.TERMINATED)]
)
def test_a_prompt_that_is_not_answered_leaves_the_terminal_as_it_was(end, code):
    with OnTerminal("send", "stomp://localhost", "/queue/a", "x", "--login", "ada") as terminal:
        terminal.wait_for("Passcode for ada: ")
        assert not terminal.echoes
        if isinstance(end, str):
            terminal.press(end)
        else:
            terminal.signal(end)
        assert terminal.end() == code
        assert terminal.echoes
    assert "Traceback" not in terminal.seen
    assert ("nobody wrote a passcode" in terminal.seen) is (code == Exit.USAGE)


def test_a_login_in_the_url_is_asked_for_its_passcode(guarded, tmp_path):
    url = guarded.url.replace("//", "//ada@")
    assert run("send", url, "/queue/a", "x", environ={"STOMP_PASSCODE": CANARY}).code == Exit.OK
    assert run("send", url, "/queue/a", "x", environ={"STOMP_PASSCODE": "wrong"}).code == Exit.REFUSED
    refused = run("send", url, "/queue/a", "x")
    assert refused.code == Exit.USAGE
    assert "the login needs a passcode" in refused.err


def test_userinfo_is_enough(guarded, call):
    assert call("send", guarded.url.replace("//", f"//ada:{CANARY}@"), "/queue/a", "x").code == Exit.OK
