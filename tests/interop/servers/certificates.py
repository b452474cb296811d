"""A certificate authority of our own for one run, as files that servers of any kind can read.

This file must not know which server reads them.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificate

__all__ = ["STORE_PASSWORD", "Certificates"]

STORE_PASSWORD = "changeit"
"""Guards the key store, which is made for one run and holds nothing that anybody trusts."""


class Certificates:
    """A certificate for loopback, its key, and the authority that vouches for it, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = folder / "authority.pem"
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        self.store = folder / "server.p12"
        """Key and certificate for servers in Java."""
        authority = trustme.CA()
        issued = authority.issue_cert("localhost", "127.0.0.1", "::1")
        authority.cert_pem.write_to_path(str(self.authority))
        issued.private_key_pem.write_to_path(str(self.key))
        issued.cert_chain_pems[0].write_to_path(str(self.certificate))
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey), "what trustme makes by default"
        self.store.write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"server",
                key,
                load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()),
                None,
                BestAvailableEncryption(STORE_PASSWORD.encode()),
            )
        )

    def client_context(self) -> ssl.SSLContext:
        """Return what a client needs to trust the server."""
        return ssl.create_default_context(cafile=str(self.authority))
