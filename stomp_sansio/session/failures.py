"""Which failures are worth another try, and what an application is told of each: one table.

This file must not know when the next try is.
"""

from __future__ import annotations

from ..errors import Fault, LinkFault, RemoteProtocolError
from ..links.link import LinkClosed, Phase
from ..links.strangers import what_answers
from ..machine import StreamLoss
from ..protocol.events import Closed, CloseReason, Error
from ..protocol.headers import Headers
from ..redaction import REDACTED, is_secret
from .errors import (
    AuthenticationError,
    BrokerError,
    ConnectError,
    ConnectionClosedError,
    HeartbeatTimeout,
)
from .options import Credentials, Target

__all__ = ["Failure", "Witness", "secrets_of"]

# The loss of a stream that another attempt cannot mend.
_FINAL_LOSSES = frozenset({StreamLoss.CERTIFICATE_REFUSED, StreamLoss.TLS_FAILED})

# What a stream that was cut off looks like to who reads it: a lost connection, not a peer that does not know
# the protocol.
_CUT_OFF = frozenset({Fault.INCOMPLETE_FRAME, LinkFault.TRUNCATED, LinkFault.CLOSED_ABNORMALLY})

_WITH_TLS = {"stomp": "stomps", "ws": "wss", "http": "https"}
_WITHOUT_TLS = {secure: plain for plain, secure in _WITH_TLS.items()}

# HTTP: the request is wrong, and would be wrong again; but these say "later".
_LATER = frozenset({408, 425, 429})
_REFUSED = frozenset({401, 403, 407})

_LOGIN_WORDS = ("access", "auth", "credential", "denied", "login", "password", "passcode", "refused", "user")
_HOST_WORDS = ("virtual host", "vhost", "not_allowed")

_UNWANTED = "; servers that refuse without a word want another login=, passcode= or vhost="

# A server that has nobody behind it yet, as a relay of Spring's whose broker has not answered it.
_LATER_WORDS = ("not available", "unavailable", "not ready", "starting", "shutting down", "try again")


class Failure:
    """What ended an attempt or a connection."""

    __slots__ = ("error", "retry")

    def __init__(self, error: Exception, *, retry: bool) -> None:
        self.error = error
        """What the application is told."""
        self.retry = retry
        """Whether another try may help."""


def secrets_of(credentials: Credentials, target: Target) -> tuple[str, ...]:
    """Return what must never be shown, should a server repeat it."""
    login = credentials.login or target.login
    found = [credentials.passcode, target.passcode]
    for pairs in (Headers(credentials.connect_headers).pairs, credentials.http_headers.items()):
        found += [value for name, value in pairs if is_secret(name)]
    # A passcode that is the login as well is none, and would spoil every sentence about who was refused.
    return tuple(secret for secret in found if secret and secret != login)


class Witness:
    """Says what the end of an attempt, or of a connection, to one server means."""

    __slots__ = ("_endpoint", "_scheme", "_secrets")

    def __init__(self, endpoint: str, secrets: tuple[str, ...]) -> None:
        """`endpoint` is what to call the server; `secrets` is what to hide, should it repeat them."""
        self._endpoint = endpoint
        self._scheme = endpoint.partition("://")[0]
        self._secrets = secrets

    def link_failed(self, closed: LinkClosed) -> Failure:
        """Return what the end of a link before CONNECTED means."""
        error = AuthenticationError if closed.status in _REFUSED else ConnectError
        sentence = closed.reason + self._other_scheme(closed)
        return Failure(error(closed.phase, self._shown(sentence)), retry=_may_help(closed))

    def _other_scheme(self, closed: LinkClosed) -> str:
        """Return what else to write, where one side speaks TLS and the other may not: nobody says so then."""
        if closed.phase is Phase.TLS:
            return "" if closed.loss is StreamLoss.CERTIFICATE_REFUSED else self._without_tls()
        fault = None if closed.error is None else closed.error.fault
        silent = closed.loss is StreamLoss.RESET or fault in _CUT_OFF or closed.status == 400
        return self._unheard() if silent and closed.phase in (Phase.INFO, Phase.UPGRADE) else ""

    def _unheard(self) -> str:
        """Return what may be missing where a server hangs up without a word."""
        other = _WITH_TLS.get(self._scheme)
        if other is not None:
            return f"; if this port wants TLS, write {other}://"
        if self._scheme in _WITHOUT_TLS:
            return "; if it wants a certificate of yours, pass an SSL context that has one"
        return ""

    def _without_tls(self) -> str:
        other = _WITHOUT_TLS.get(self._scheme)
        return "" if other is None else f"; if this port does without TLS, write {other}://"

    def timed_out(self, waited_for: str, phase: Phase, seconds: float) -> Failure:
        """Return what an attempt that took too long means."""
        sentence = f"no connection within {seconds:g} s (open_timeout): {waited_for}"
        if phase is Phase.TLS:
            sentence += self._without_tls()
        return Failure(ConnectError(phase, self._shown(sentence)), retry=True)

    def refused(self, error: Error) -> Failure:
        """Return what an ERROR before CONNECTED means: the server refuses who we are, or how we ask."""
        said = _said(error)
        lowered = said.lower()
        if any(word in lowered for word in _HOST_WORDS):
            message = f"the server refused the virtual host ({said}): pass vhost=, as in vhost='/'"
            return Failure(ConnectError(Phase.CONNECT, self._shown(message)), retry=False)
        if any(word in lowered for word in _LOGIN_WORDS):
            message = f"the server refused the login ({said}): check login= and passcode="
            return Failure(AuthenticationError(Phase.CONNECT, self._shown(message)), retry=False)
        message = f"the server refused the connection ({said})"
        later = any(word in lowered for word in _LATER_WORDS)
        return Failure(ConnectError(Phase.CONNECT, self._shown(message)), retry=later)

    def not_greeted(self, closed: Closed, link: LinkClosed | None, first_octets: bytes) -> Failure:
        """Return what the end of a connection means whose CONNECT was not answered. `first_octets` is how the
        server began to speak.
        """
        if closed.error is not None:
            message = f"what answers there does not speak STOMP as it was asked to: {closed.error}"
            if closed.error.fault is Fault.MALFORMED_COMMAND:
                message += f"; {what_answers(first_octets)}"
            failure = ConnectError(Phase.CONNECT, self._shown(message))
            failure.__cause__ = closed.error
            return Failure(failure, retry=closed.error.fault in _CUT_OFF)
        if link is not None and link.status in _REFUSED:
            return self.link_failed(link)
        why = "the connection ended" if link is None else link.reason
        # Who closes a WebSocket in order has heard us: it is who we are that it does not want.
        heard = link is not None and link.clean and link.code is not None
        hint = _UNWANTED if heard else self._unheard()
        message = self._shown(f"CONNECT was not answered: {why}{hint}")
        # The link had opened: a status that refuses it now says that the server forgot it.
        retry = link is None or _refuses(link) or _may_help(link)
        return Failure(ConnectError(Phase.CONNECT, message), retry=retry)

    def connection_ended(self, closed: Closed, error: Error | None, link: LinkClosed | None) -> Failure:
        """Return what the end of an established connection means."""
        if closed.reason is CloseReason.HEARTBEAT_TIMEOUT:
            message = "the server was silent for longer than its heart-beats allow"
            return Failure(HeartbeatTimeout(self._shown(message)), retry=True)
        if error is not None:
            return Failure(self.broker_error(error), retry=True)
        if link is not None and _refuses(link):
            # The server had accepted us before: only who we are can be refused, else it forgot the session.
            message = self._shown(link.reason)
            if link.status in _REFUSED:
                return Failure(AuthenticationError(Phase.OPEN, message), retry=False)
            return Failure(ConnectionClosedError(message), retry=True)
        fault = closed.error if closed.error is not None else None if link is None else link.error
        if isinstance(fault, RemoteProtocolError):
            failure = ConnectionClosedError(self._shown(str(fault)))
            failure.__cause__ = fault
            return Failure(failure, retry=fault.fault in _CUT_OFF)
        why = "the server closed the connection" if link is None else link.reason
        return Failure(ConnectionClosedError(self._shown(why)), retry=True)

    def broker_error(self, error: Error) -> BrokerError:
        """Return what an ERROR after CONNECTED is told as."""
        return BrokerError(self._shown(f"the server sent ERROR: {_said(error)}"), error)

    def _shown(self, sentence: str) -> str:
        for secret in self._secrets:
            sentence = sentence.replace(secret, REDACTED)
        return f"{self._endpoint}: {sentence}"


def _refuses(link: LinkClosed) -> bool:
    """Tell whether an HTTP status is what ended a link."""
    return link.status is not None and not 200 <= link.status < 300


def _may_help(link: LinkClosed) -> bool:
    """Tell whether another attempt may fare better than a link that did not come to carry a connection."""
    if link.error is not None and link.error.fault in _CUT_OFF:
        return True
    if link.status is not None and _refuses(link):
        return link.status >= 500 or link.status in _LATER
    return link.error is None and link.loss not in _FINAL_LOSSES


def _said(error: Error) -> str:
    """Return what an ERROR says, for people: its message and the beginning of its body."""
    # Some servers put the kind of error into the message and the reason into the body, some a stack trace,
    # and some say the same twice.
    message, body = error.message or "", error.body[:200].decode("utf-8", "replace")
    if body.startswith(message):
        message = ""
    return " ".join(": ".join(filter(None, (message, body))).split())[:200] or "no reason given"
