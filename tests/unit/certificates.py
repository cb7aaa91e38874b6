# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates made at run time: roots, intermediates and leaves, RSA and EC."""

from __future__ import annotations

import datetime
import functools
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Union

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PrivateKey = Union[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey]
PASSPHRASE = "a-passphrase-that-is-long-enough-to-be-told-apart"
KINDS = ("rsa", "p256", "p384")


def make_key(kind: str = "p256") -> PrivateKey:
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP384R1() if kind == "p384" else ec.SECP256R1())


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


@dataclass(frozen=True)
class Authority:
    """A certificate that signs others, with its key, and what leads from it to the root."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    above: tuple[x509.Certificate, ...] = ()

    @property
    def chain(self) -> str:
        """What a leaf signed by this one needs (PEM)."""
        return "".join(pem(certificate) for certificate in (self.certificate, *self.above))

    @property
    def root(self) -> str:
        return pem((self.certificate, *self.above)[-1])

    def intermediate(self, name: str, kind: str = "p256") -> Authority:
        key = make_key(kind)
        return Authority(_sign(name, key, self, ()), key, (self.certificate, *self.above))

    def leaf(
        self,
        names: Sequence[str] = ("www.example.com",),
        kind: str = "p256",
        *,
        days: float = 198,
        age: float = 1,
        key: PrivateKey | None = None,
    ) -> Leaf:
        """Sign a leaf that is valid since ``age`` days and for ``days`` days altogether."""
        key = key or make_key(kind)
        start = now() - datetime.timedelta(days=age)
        return Leaf(_sign(names[0], key, self, names, start, start + datetime.timedelta(days=days)), key, self)


@dataclass(frozen=True)
class Leaf:
    """What ACM's ExportCertificate would return, in parts."""

    x509: x509.Certificate
    key: PrivateKey = field(repr=False)
    issuer: Authority

    @property
    def certificate(self) -> str:
        return pem(self.x509)

    @property
    def chain(self) -> str:
        return self.issuer.chain

    @property
    def fullchain(self) -> str:
        return self.certificate + self.chain

    @property
    def fingerprint(self) -> str:
        return self.x509.fingerprint(hashes.SHA256()).hex()

    @functools.cached_property
    def private_key(self) -> str:
        """The plain key, PKCS#8."""
        return self._key(serialization.NoEncryption())

    @functools.cached_property
    def encrypted_private_key(self) -> str:
        return self._key(serialization.BestAvailableEncryption(PASSPHRASE.encode()))

    def _key(self, encryption: serialization.KeySerializationEncryption) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        ).decode()  # fmt: skip


def make_root(name: str = "Root", kind: str = "p256") -> Authority:
    key = make_key(kind)
    return Authority(_sign(name, key, None, ()), key)


@functools.cache
def authority(kind: str = "p256") -> Authority:
    """An intermediate below a root, made once."""
    return make_root("Example Root", kind).intermediate("Example Intermediate", kind)


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _sign(
    name: str,
    key: PrivateKey,
    issuer: Authority | None,
    names: Sequence[str],
    start: datetime.datetime | None = None,
    end: datetime.datetime | None = None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = start or now() - datetime.timedelta(days=3650)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end or now() + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(each) for each in names]), False)
    return builder.sign(key if issuer is None else issuer.key, hashes.SHA256())
