"""`stomp-sansio send`: once, often, fast, slowly, and what becomes of it."""

from __future__ import annotations

import json
import os
import signal

import pytest

from stomp_cli.exits import Exit
from stomp_sansio.broker.events import MessageSent
from tests.adapters.loopback import LoopbackBroker
from tests.cli.programs import CANARY, Broker, OnTerminal, Piped, run, without


def bodies(broker: Broker) -> list[bytes]:
    return [event.body for event in broker.saw(MessageSent)]


def test_a_message_with_headers(broker, call):
    said = call(
        "send", broker.url, "/queue/a", "-H", "content-type:text/x", "--receipt", "-H", "x: y", "hello"
    )
    assert (said.code, said.out, said.err) == (Exit.OK, "", "")
    (message,) = broker.saw(MessageSent)
    assert message.body == b"hello"
    assert (message.headers["content-type"], message.headers["x"]) == ("text/x", " y")


def test_text_says_that_it_is_text(broker, call):
    assert call("send", broker.url, "/queue/a", "grüße").code == Exit.OK
    (message,) = broker.saw(MessageSent)
    assert (message.body, message.headers["content-type"]) == ("grüße".encode(), "text/plain;charset=utf-8")


def test_a_body_from_standard_input(broker):
    assert run("send", broker.url, "/queue/a", "-", stdin=b"\x00\xff\n").code == Exit.OK
    assert bodies(broker) == [b"\x00\xff\n"]


def test_a_body_from_a_file(broker, call, tmp_path):
    (tmp_path / "body").write_bytes(b"\x00\xff\n")
    assert call("send", broker.url, "/queue/a", f"@{tmp_path / 'body'}").code == Exit.OK
    assert bodies(broker) == [b"\x00\xff\n"]
    said = call("send", broker.url, "/queue/a", f"@{tmp_path / 'no'}")
    assert (said.code, "the body cannot be read" in said.err) == (Exit.USAGE, True)


@pytest.mark.parametrize("body", ["@home", "-", "-x", "--", "--json", "", "a=b", "-5"])
def test_a_body_that_is_taken_as_it_stands(body, broker, call):
    before = ["send", "--body", body, broker.url, "/queue/a"]
    behind = ["send", broker.url, "/queue/a", "--receipt", "--body", body]
    for arguments in (before, behind):
        said = call(*arguments)
        assert (said.code, said.err) == (Exit.OK, "")
    assert bodies(broker) == [body.encode()] * 2


def test_a_body_may_be_joined_to_its_option(broker, call):
    assert call("send", broker.url, "--body=-x", "/queue/a").code == Exit.OK
    assert bodies(broker) == [b"-x"]


def test_an_argument_that_is_no_text_is_no_body(broker):
    said = run("send", broker.url, "/queue/a", os.fsdecode(b"\xff\xfe"))
    assert (said.code, "no text in UTF-8: pass its octets on standard input (-) or as @FILE" in said.err) == (
        Exit.USAGE,
        True,
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (
            ["-H", "destination:/queue/b"],
            "'destination' in headers: there is an argument or an option for it",
        ),
        (
            ["-H", "content-length:5"],
            "content-length is '5', but the body has 1 octets: leave the header out",
        ),
        (["--transports", "pigeon"], "transports is ('pigeon',): name some of"),
        (["--heartbeat=-1"], "heartbeat is (-1.0, -1.0)"),
        (["--vhost", "a\nb"], "has an EOL"),
    ],
)
def test_what_the_library_refuses_is_an_argument_that_makes_no_sense(options, why, broker, call):
    said = call("send", broker.url, "/queue/a", "x", *options)
    assert (said.code, why in said.err) == (Exit.USAGE, True), said.err


def test_two_bodies_are_one_too_many(call):
    said = call("send", "stomp://localhost", "/queue/a", "one", "--body", "two")
    assert (said.code, "write BODY, or --body TEXT" in said.err) == (Exit.USAGE, True)


def test_who_has_a_body_that_looks_like_an_option_is_told_what_to_write(call):
    said = call("send", "stomp://localhost", "/queue/a", "-x")
    assert said.code == Exit.USAGE
    assert "unrecognized arguments: -x; a body that begins with a dash is written --body TEXT" in said.err
    assert "--body TEXT" not in call("bench", "stomp://localhost", "-x").err
    # There is nothing to be joined.
    assert "expected one argument" in call("send", "stomp://localhost", "/queue/a", "--body").err


def test_no_body_is_an_empty_one(broker, call):
    assert call("send", broker.url, "/queue/a").code == Exit.OK
    assert bodies(broker) == [b""]


def test_many_with_receipts_are_all_confirmed(broker, call):
    said = call("send", broker.url, "/queue/a", "x", "--count", "3000", "--receipt", "--json")
    assert said.code == Exit.OK
    done = json.loads(said.out)
    assert (done["sent"], done["confirmed"]) == (3000, 3000)
    assert broker.waiting("/queue/a") == 3000


def test_many_are_counted_for_people(broker, call):
    said = call("send", broker.url, "/topic/a", "x", "--count", "3")
    assert (said.code, said.out) == (Exit.OK, "")
    assert said.err.startswith("3 sent in ")


def test_a_rate_is_kept(broker, call):
    said = call("send", broker.url, "/topic/a", "--count", "5", "--rate", "50", "--json")
    # The fifth is due 4/50 s after the first.
    assert json.loads(said.out)["seconds"] >= 4 / 50


def test_an_error_is_heard_even_where_no_receipt_was_asked_for(broker, call):
    said = call("send", broker.url, "/bogus/a", "x")
    assert said.code == Exit.BROKER_ERROR
    assert "there is no destination '/bogus/a' here" in said.err


def test_an_error_in_place_of_a_receipt(broker, call):
    assert call("send", broker.url, "/bogus/a", "x", "--receipt").code == Exit.BROKER_ERROR


def test_nobody_is_there(call):
    said = call("send", "stomp://127.0.0.1:1", "/queue/a", "x")
    assert said.code == Exit.NOT_CONNECTED
    assert "nobody accepted the connection" in said.err


def test_a_login_that_is_refused(guarded, call):
    said = call("send", guarded.url.replace("//", "//ada:wrong@"), "/queue/a", "x")
    assert said.code == Exit.REFUSED
    assert "check --login" in said.err


def test_a_server_that_repeats_a_secret_when_it_refuses():
    with LoopbackBroker() as server:
        server.broker.users = {}
        said = run("send", f"stomp://ada:{CANARY}@127.0.0.1:{server.port}", "/queue/a", "x")
    assert said.code == Exit.REFUSED
    assert CANARY not in said.out + said.err


def test_a_connection_that_is_lost_fails_where_nothing_confirms():
    with (
        LoopbackBroker() as server,
        Piped(
            "send", f"stomp://127.0.0.1:{server.port}", "/queue/a", "x", "--count", "1000000", "--rate", "100"
        ) as sender,
    ):
        server.wait_for(lambda: len(server.events) > 2)
        server.drop_all()
        ended = sender.end()
    assert ended.code == Exit.NOT_CONNECTED


def test_a_connection_that_is_lost_is_made_again_where_receipts_confirm():
    with (
        LoopbackBroker() as server,
        Piped(
            *("send", f"stomp://127.0.0.1:{server.port}", "/queue/a", "x", "--count", "200", "--rate", "200"),
            *("--receipt", "--json"),
        ) as sender,
    ):
        server.wait_for(lambda: len(server.events) > 20)
        server.drop_all()
        ended = sender.end()
    assert ended.code == Exit.OK
    assert json.loads(ended.out)["confirmed"] == 200
    assert "next attempt in" in ended.err
    assert "connected to" in ended.err


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, Exit.TERMINATED), (signal.SIGINT, Exit.INTERRUPTED)]
)
def test_being_told_to_end_before_all_is_sent(number, code, broker):
    with Piped("send", broker.url, "/topic/a", "x", "--count", "1000000", "--rate", "50", "--json") as sender:
        broker.wait_for(lambda: len(broker.saw(MessageSent)) > 2)
        sender.signal(number)
        ended = sender.end()
    assert ended.code == code
    # What was sent was sent: nothing is under way when it ends.
    assert json.loads(ended.out)["sent"] == len(broker.saw(MessageSent))
    assert ended.err == ""


@pytest.mark.parametrize(
    "option", ["--count=0", "--count=x", "--count=-1", "--rate=0", "--rate=x", "--rate=nan"]
)
def test_numbers_that_make_no_sense(option, call):
    assert call("send", "stomp://localhost", "/queue/a", option).code == Exit.USAGE


def test_a_header_that_is_none_is_not_shown(call):
    said = call("send", "stomp://localhost", "/queue/a", "-H", CANARY)
    assert (said.code, CANARY in said.err) == (Exit.USAGE, False)


def test_a_long_way_has_a_bar(broker):
    with OnTerminal(
        "send", broker.url, "/topic/a", "x", "--count", "120", "--rate", "60", program=without("rich")
    ) as terminal:
        terminal.wait_for("[####")
        terminal.wait_for(" of 120 sent (")
        assert terminal.end() == Exit.OK
    # The bar is gone in the end: its line is where the last remark stands.
    assert "\x1b[1F\x1b[J120 sent in " in terminal.seen.replace("\r", "")


def test_with_rich_the_bar_is_its(broker):
    pytest.importorskip("rich", reason="rich is not installed: pip install 'stomp-sansio[cli]'")
    with OnTerminal("send", broker.url, "/topic/a", "x", "--count", "120", "--rate", "60") as terminal:
        terminal.wait_for("/120")
        assert terminal.end() == Exit.OK
    assert "━" in terminal.seen


def test_a_short_way_has_none(broker):
    with OnTerminal("send", broker.url, "/topic/a", "x", "--count", "3", program=without("rich")) as terminal:
        assert terminal.end() == Exit.OK
    assert "\x1b" not in terminal.seen
