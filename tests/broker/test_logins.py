"""Who may come in, and that the time it takes tells nothing."""

import hmac

import pytest

from stomp_sansio import ConnectRequest, Headers, Version
from stomp_sansio.broker.logins import Logins


def request(login: str | None, passcode: str | None) -> ConnectRequest:
    return ConnectRequest(
        version=Version.V1_2,
        host=None,
        login=login,
        passcode=passcode,
        heartbeat=(0.0, 0.0),
        headers=Headers(),
    )


@pytest.mark.parametrize(
    ("login", "passcode", "allowed"),
    [
        ("ada", "secret", True),
        ("bob", "ü", True),
        ("empty", "", True),
        ("empty", None, True),
        ("ada", "Secret", False),
        ("ada", "", False),
        ("ada", None, False),
        ("eve", "secret", False),
        ("eve", "", False),
        (None, None, False),
        ("", "", False),
        ("ada", "\ud800", False),
    ],
)
def test_who_is_allowed(
    login: str | None, passcode: str | None, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare_digest(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr(hmac, "compare_digest", compare_digest)
    assert Logins({"ada": "secret", "bob": "ü", "empty": ""}).allows(request(login, passcode)) is allowed
    assert len(compared) == 1, "every request costs one comparison in constant time"


def test_passcodes_are_not_shown() -> None:
    assert repr(Logins({"ada": "secret"})) == "<Logins of 1>"
