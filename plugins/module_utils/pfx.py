# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A leaf with its key as a PKCS#12 file (PFX) for Windows. Runs on the controller, in memory only."""

from __future__ import annotations

import secrets

from ansible_collections.certops.acm.plugins.module_utils.bundle import Bundle
from ansible_collections.certops.acm.plugins.module_utils.errors import BundleError

try:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.serialization import pkcs12
except ImportError:  # open_bundle reports the missing library before anything here runs
    pass

# Windows Server 2019 and Windows 10 1809: the first that read AES-256 and SHA-256 in a PFX.
FIRST_BUILD_WITH_AES = 17763


def one_use_password() -> str:
    """Return a password for one file that lives for seconds: 256 random bits."""
    return secrets.token_urlsafe(32)


def make_pfx(opened: Bundle, *, password: str, name: str, build: int) -> bytes:
    """Return a PFX with the leaf and its key alone: Windows puts all certificates of a PFX in one store.

    Args:
        opened: leaf and plain key, as ``open_bundle`` returned them.
        name: the friendly name the certificate gets in the store.
        build: of the Windows that will read it; before 17763 it reads no AES.

    Raises:
        BundleError: the library on the controller does not have what this Windows reads.
    """
    modern = build >= FIRST_BUILD_WITH_AES
    cipher = pkcs12.PBES.PBESv2SHA256AndAES256CBC if modern else pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC
    encryption = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(20_000)
        .key_cert_algorithm(cipher)
        .hmac_hash(hashes.SHA256() if modern else hashes.SHA1())  # noqa: S303 - all that this Windows reads
        .build(password.encode("ascii"))
    )
    key = serialization.load_pem_private_key(opened.private_key.encode("ascii"), None)
    leaf = x509.load_pem_x509_certificate(opened.certificate.encode("ascii"))
    try:
        return pkcs12.serialize_key_and_certificates(name.encode("utf-8"), key, leaf, None, encryption)  # type: ignore[arg-type]
    except UnsupportedAlgorithm:
        raise BundleError(
            f"Windows build {build} reads a PFX with 3DES and SHA-1 only, which the cryptography library on the "
            "controller refuses to write (FIPS mode?): update Windows to Server 2019 or later, or run elsewhere"
        ) from None


def intermediates(chain: str) -> list[bytes]:
    """Return the certificates of a chain (PEM) that are no roots, as DER: nobody's trust is widened."""
    found = x509.load_pem_x509_certificates(chain.encode("ascii"))
    kept = [certificate for certificate in found if certificate.subject != certificate.issuer]
    return [certificate.public_bytes(serialization.Encoding.DER) for certificate in kept]
