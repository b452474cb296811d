"""STOMP without I/O: a protocol engine for both roles, to be embedded in any event loop.

`Connection` is the client side, `ServerConnection` the server side; `FrameParser` and `encode` are the wire
beneath them.
"""

from .errors import Fault, LinkFault, LocalProtocolError, Misuse, NotText, RemoteProtocolError, StompError
from .protocol.commands import Sender, validate
from .protocol.connection import Connection
from .protocol.encoder import encode
from .protocol.events import (
    Abort,
    Ack,
    AckMode,
    Begin,
    ClientEvent,
    Closed,
    CloseReason,
    Commit,
    Connected,
    ConnectRequest,
    Disconnect,
    Error,
    Message,
    Nack,
    Receipt,
    Send,
    ServerEvent,
    Subscribe,
    Unsubscribe,
)
from .protocol.frames import Frame
from .protocol.headers import HeaderPairs, Headers
from .protocol.limits import Limits
from .protocol.parser import FrameParser
from .protocol.server_connection import ServerConnection
from .protocol.states import State
from .protocol.versions import Version

__version__ = "0.1.0"

__all__ = [
    "Abort",
    "Ack",
    "AckMode",
    "Begin",
    "ClientEvent",
    "CloseReason",
    "Closed",
    "Commit",
    "ConnectRequest",
    "Connected",
    "Connection",
    "Disconnect",
    "Error",
    "Fault",
    "Frame",
    "FrameParser",
    "HeaderPairs",
    "Headers",
    "Limits",
    "LinkFault",
    "LocalProtocolError",
    "Message",
    "Misuse",
    "Nack",
    "NotText",
    "Receipt",
    "RemoteProtocolError",
    "Send",
    "Sender",
    "ServerConnection",
    "ServerEvent",
    "State",
    "StompError",
    "Subscribe",
    "Unsubscribe",
    "Version",
    "encode",
    "validate",
]
