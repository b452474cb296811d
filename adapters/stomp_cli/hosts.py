"""`--allow-host`: by which names browsers may reach what a command serves.

What lives here knows one option; it must not know why a name matters.
"""

from __future__ import annotations

import argparse

__all__ = ["add_host_argument"]


def add_host_argument(parser: argparse.ArgumentParser) -> None:
    """Say by which names pages may reach a broker."""
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        type=_name,
        help="a name by which browsers reach this broker, several times for several. Once one is given, no "
        "other will do besides localhost and addresses (default: any from elsewhere, none on this machine)",
    )


def _name(text: str) -> str:
    from stomp_sansio.links.own_names import OwnNames

    try:
        OwnNames([text])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
