# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small certificate authority, made anew in each process.

One RSA root, and two intermediates of each key family below it, because a renewal in ACM may come
from another intermediate. RSA leaves are signed by RSA intermediates, EC leaves by EC ones.

The chain is the intermediate followed by the root: ACM also sends a root at the end of the chain
of public certificates. The leaf is never part of it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

ALGORITHMS = ("RSA_2048", "EC_prime256v1", "EC_secp384r1")
"""What ACM issues: the key algorithms a request may ask for."""

_CURVES: dict[str, ec.EllipticCurve] = {"EC_prime256v1": ec.SECP256R1(), "EC_secp384r1": ec.SECP384R1()}
_CA_FROM = datetime(2015, 1, 1, tzinfo=timezone.utc)
_CA_UNTIL = datetime(2045, 1, 1, tzinfo=timezone.utc)
_POOL_SIZE = 4


@dataclass(frozen=True)
class Issuer:
    """Something that signs leaves: its certificate, its key, and the certificates above it."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    above: tuple[x509.Certificate, ...] = ()

    @property
    def chain(self) -> str:
        """PEM from the issuer up to its root."""
        return "".join(pem(certificate) for certificate in (self.certificate, *self.above))

    @property
    def organization(self) -> str:
        names = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return str(names[0].value) if names else ""


@dataclass(frozen=True)
class LeafRequest:
    """All that decides a leaf but its key."""

    names: tuple[str, ...]
    serial: int
    not_before: datetime
    not_after: datetime


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_algorithm(key: object) -> str:
    """ACM's name for the algorithm of a private or public key."""
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return f"RSA_{key.key_size}"
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        curve = key.curve.name
        return "EC_prime256v1" if curve == "secp256r1" else f"EC_{curve}"
    raise ValueError("neither an RSA nor an EC key")


def encrypted_key(key: PrivateKey, passphrase: bytes) -> str:
    """PKCS#8 ``ENCRYPTED PRIVATE KEY``: PBES2, AES-256-CBC, the cipher seen from ACM.

    ACM derives with PBKDF2-HMAC-SHA1; here it is HMAC-SHA256, which every reader of PBES2 knows.
    """
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    ).decode()


def plain_key(key: PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class KeyPool:
    """New private keys; RSA ones are made ahead by a background thread, since they are slow."""

    def __init__(self) -> None:
        self._ready: queue.Queue[rsa.RSAPrivateKey] = queue.Queue(_POOL_SIZE)
        self._started = False

    def new(self, algorithm: str) -> PrivateKey:
        if algorithm in _CURVES:
            return ec.generate_private_key(_CURVES[algorithm])
        if algorithm != "RSA_2048":
            return rsa.generate_private_key(public_exponent=65537, key_size=int(algorithm.removeprefix("RSA_")))
        self._start()
        return self._ready.get()

    def _start(self) -> None:
        if not self._started:
            self._started = True
            threading.Thread(target=self._fill, name="rsa-keys", daemon=True).start()

    def _fill(self) -> None:
        while True:
            self._ready.put(rsa.generate_private_key(public_exponent=65537, key_size=2048))


class Authority:
    """The public CA: a root and its intermediates."""

    def __init__(self) -> None:
        self.keys = KeyPool()
        self.root = self._root()
        self._intermediates: dict[tuple[str, int], Issuer] = {}
        self._lock = threading.Lock()

    @property
    def root_pem(self) -> str:
        return pem(self.root.certificate)

    def issuer(self, algorithm: str, turn: int = 0) -> Issuer:
        """The intermediate for a leaf's algorithm; ``turn`` picks one of two."""
        family = "RSA" if algorithm.startswith("RSA") else "ECDSA"
        place = (family, turn % 2)
        with self._lock:
            if place not in self._intermediates:
                self._intermediates[place] = self._intermediate(*place)
            return self._intermediates[place]

    def _root(self) -> Issuer:
        key = self.keys.new("RSA_2048")
        name = _ca_name("certops.acm stand-in", "Stand-in Root CA 1")
        return Issuer(_sign_ca(name, key, name, key, path_length=None), key)

    def _intermediate(self, family: str, turn: int) -> Issuer:
        key = self.keys.new("RSA_2048" if family == "RSA" else "EC_prime256v1")
        name = _ca_name("certops.acm stand-in", f"Stand-in {family} M0{turn + 1}")
        signed = _sign_ca(name, key, self.root.certificate.subject, self.root.key, path_length=0)
        return Issuer(signed, key, (self.root.certificate,))


def private_root(common_name: str, keys: KeyPool) -> Issuer:
    """A root of its own, as one made with ACM Private CA would be."""
    key = keys.new("RSA_2048")
    name = _ca_name("Private", common_name)
    return Issuer(_sign_ca(name, key, name, key, path_length=None), key)


def sign_leaf(issuer: Issuer, key: PrivateKey, request: LeafRequest) -> x509.Certificate:
    """A server certificate, with the extensions ACM puts in."""
    common_name = request.names[0]
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if len(common_name) <= 64 else []
    is_rsa = isinstance(key, rsa.RSAPrivateKey)
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(_public(issuer.key))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(issuer.certificate.subject)
        .public_key(_public(key))
        .serial_number(request.serial)
        .not_valid_before(request.not_before)
        .not_valid_after(request.not_after)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in request.names]), not subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature", *(["key_encipherment"] if is_rsa else [])), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(_public(key)), critical=False)
        .add_extension(authority_key, critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def _sign_ca(
    name: x509.Name, key: PrivateKey, issuer: x509.Name, issuer_key: PrivateKey, *, path_length: int | None
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(_public(key))
        .serial_number(x509.random_serial_number())
        .not_valid_before(_CA_FROM)
        .not_valid_after(_CA_UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage("digital_signature", "key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(_public(key)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(_public(issuer_key)), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _public(key: PrivateKey) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    return key.public_key()


def _ca_name(organization: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_usage(*allowed: str) -> x509.KeyUsage:
    bits: Sequence[str] = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: bit in allowed for bit in bits})
