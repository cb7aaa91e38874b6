# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ImportCertificate: what ACM accepts from outside.

Lenient where we do not know better: a leaf that is not self-signed may come without its chain,
and extended key usages are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from . import ca
from .certificate import Leaf, Signed, now
from .refusal import Refusal

_INVALID = "ValidationException"


@dataclass(frozen=True)
class Parts:
    """The request's blobs, decoded."""

    certificate: bytes
    private_key: bytes
    chain: bytes | None


def imported_leaf(parts: Parts, keys: ca.KeyPool) -> Leaf:
    """The leaf, checked; raises ValidationException with the reason."""
    leaf = _one_certificate(parts.certificate)
    key = _key(parts.private_key)
    _check_pair(leaf, key)
    _check_dates(leaf)
    chain = _chain(parts.chain) if parts.chain else []
    if chain:
        _check_chain(leaf, chain)
    request = ca.LeafRequest(_names(leaf), leaf.serial_number, leaf.not_valid_before_utc, leaf.not_valid_after_utc)
    signed = Signed(ca.pem(leaf), "".join(ca.pem(above) for above in chain), key)
    return Leaf(request, ca.key_algorithm(key), None, keys, imported=signed)


def _one_certificate(text: bytes) -> x509.Certificate:
    try:
        found = x509.load_pem_x509_certificates(text)
    except ValueError:
        raise Refusal(_INVALID, "The certificate field contains no valid PEM certificate.") from None
    if len(found) != 1:
        raise Refusal(_INVALID, "The certificate field contains more than one certificate.")
    return found[0]


def _key(text: bytes) -> ca.PrivateKey:
    """Encrypted keys are refused. The slow check of RSA primes is left out: the pair is compared below."""
    try:
        key = serialization.load_pem_private_key(text, None, unsafe_skip_rsa_key_validation=True)
        ca.key_algorithm(key)
    except (ValueError, TypeError):
        raise Refusal(_INVALID, "The private key is not supported.") from None
    assert isinstance(key, ca.PrivateKey)
    return key


def _check_pair(leaf: x509.Certificate, key: ca.PrivateKey) -> None:
    if key.public_key() != leaf.public_key():
        raise Refusal(_INVALID, "The private key does not match the certificate.")


def _check_dates(leaf: x509.Certificate) -> None:
    if leaf.not_valid_after_utc <= now():
        raise Refusal(_INVALID, "The certificate has expired, is not valid.")
    if leaf.not_valid_before_utc > now():
        raise Refusal(_INVALID, "The certificate is not in effect yet, is not valid.")


def _chain(text: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text)
    except ValueError:
        raise Refusal(_INVALID, "The certificate chain is not PEM-encoded or is not valid.") from None


def _check_chain(leaf: x509.Certificate, chain: list[x509.Certificate]) -> None:
    try:
        for signed, signer in zip([leaf, *chain], chain, strict=False):
            signed.verify_directly_issued_by(signer)
    except (ValueError, TypeError, InvalidSignature):
        raise Refusal(_INVALID, "Could not validate the certificate with the certificate chain.") from None


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    """DNS names; a certificate without any goes by its common name."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = tuple(names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        found = ()
    common = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return found or tuple(str(name.value) for name in common[:1])
