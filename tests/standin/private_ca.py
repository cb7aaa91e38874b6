# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private certificate authorities: moto's acm-pca holds them, we sign with their keys."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from . import ca
from .world import WORLD


def issuer(authority_arn: str) -> ca.Issuer | None:
    """The active CA with this ARN, made here or through acm-pca's own API; None if there is none."""
    if authority_arn not in WORLD.private_authorities:
        found = _from_moto(authority_arn)
        if found is None:
            return None
        WORLD.private_authorities[authority_arn] = found
    return WORLD.private_authorities[authority_arn]


def create(account: str, region: str, common_name: str) -> str:
    """An active private root CA; returns its ARN."""
    from moto.acmpca.models import acmpca_backends

    backend = acmpca_backends[account][region]
    arn = backend.create_certificate_authority(
        certificate_authority_configuration={
            "KeyAlgorithm": "RSA_2048",
            "SigningAlgorithm": "SHA256WITHRSA",
            "Subject": {"Organization": "Private", "CommonName": common_name},
        },
        revocation_configuration={},
        certificate_authority_type="ROOT",
        security_standard=None,
        tags=[],
    )
    root = ca.private_root(common_name, WORLD.authority.keys)
    _adopt(backend.certificate_authorities[arn], root)
    WORLD.private_authorities[arn] = root
    return str(arn)


def _adopt(authority: Any, root: ca.Issuer) -> None:
    """Give moto's CA our key and certificate, so that acm-pca's API tells the same story."""
    authority.private_bytes = root.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(authority.password),
    )
    authority.import_certificate_authority_certificate(ca.pem(root.certificate).encode(), None)


def _from_moto(authority_arn: str) -> ca.Issuer | None:
    from moto.acmpca.models import acmpca_backends

    _unused, _unused, _unused, region, account, _unused = authority_arn.split(":", 5)
    authority = acmpca_backends[account][region].certificate_authorities.get(authority_arn)
    if authority is None or authority.status != "ACTIVE" or authority.certificate is None:
        return None
    above = x509.load_pem_x509_certificates(authority.certificate_chain) if authority.certificate_chain else []
    return ca.Issuer(authority.certificate, authority.key, tuple(above))
