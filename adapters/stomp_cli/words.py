"""What the library advises in words of its keywords, in words of our options.

A function of its argument. This file must not know which error it is for.
"""

from __future__ import annotations

__all__ = ["in_our_words"]

_WORDS = (
    ("pass vhost=, as in vhost='/'", "name it with --vhost, as in --vhost /"),
    ("check login= and passcode=", "check --login, and the passcode that goes with it"),
    ("pass an SSL context that trusts its issuer", "name the certificate of its issuer with --cafile FILE"),
    ("pass it as the argument that this method has for it", "there is an argument or an option for it"),
    ("additional_headers", "--http-header"),
    ("open_timeout", "--connect-timeout"),
)


def in_our_words(text: str) -> str:
    """Return a message of the library whose advice somebody at a command line can follow."""
    for theirs, ours in _WORDS:
        text = text.replace(theirs, ours)
    return text
