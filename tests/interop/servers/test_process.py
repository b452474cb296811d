"""Programs that are started to be talked to: they end when told, tell why they did not start, and free their
ports.
"""

import sys

import pytest

from tests.interop.servers.process import DidNotStart, Process, answers_stomp, free_ports, is_open

LISTENS = "import socket, sys\ns = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"


def listener(folder, port, then="import time; time.sleep(600)"):
    return Process("listener", [sys.executable, "-c", LISTENS + then, str(port)], folder=folder)


def test_ports_differ_and_are_free():
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert not any(map(is_open, ports))


@pytest.mark.parametrize("end", [Process.stop, Process.kill])
def test_it_runs_until_it_is_ended(tmp_path, end):
    (port,) = free_ports(1)
    process = listener(tmp_path, port)
    process.wait_for(lambda: is_open(port))
    assert process.runs
    end(process)
    assert not process.runs
    assert not is_open(port)


def test_a_paused_one_can_be_stopped(tmp_path):
    (port,) = free_ports(1)
    process = listener(tmp_path, port)
    process.wait_for(lambda: is_open(port))
    process.pause()
    process.stop()
    assert not process.runs


def test_one_that_ends_at_once_is_told_with_its_last_words(tmp_path):
    process = Process("broken", [sys.executable, "-c", "raise SystemExit('no disk')"], folder=tmp_path)
    with pytest.raises(DidNotStart, match=r"(?s)it ended with 1.*no disk"):
        process.wait_for(lambda: False)


def test_one_that_takes_too_long_is_stopped(tmp_path):
    (port,) = free_ports(1)
    process = listener(tmp_path, port)
    with pytest.raises(DidNotStart, match="took more than 0 s"):
        process.wait_for(lambda: False, 0)
    assert not process.runs


def test_an_open_port_is_not_yet_a_stomp_server(tmp_path):
    (port,) = free_ports(1)
    process = listener(tmp_path, port, "while True: s.accept()[0].send(b'HTTP/1.1 400')")
    process.wait_for(lambda: is_open(port))
    assert not answers_stomp(port, "guest", "guest", "/")
    assert process.runs
    process.stop()
