# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ACM: its certificates in one account and region, and the rules of its API.

Rules that AWS documents are followed; wording of refusals is AWS's only where it is quoted from
somewhere. Our model, not documented fact:

* A token with other parameters than before makes a new certificate (the documentation only says
  that the same request within an hour is recognised).
* Expired certificates can still be read and exported; revoked ones can be read, not exported.
* Exporting the old leaf in the time after a renewal does not count as an export of the new one.
* A renewal asks for an export since the last issue or renewal, in the words that users report.
* A certificate of another account is not found. AWS may answer AccessDenied.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from moto.acm.models import CertificateNotFound, TagHolder
from moto.core.base_backend import BaseBackend
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource

from . import acm_urls, ca, importing, lifecycle, rules, search, shapes, tamper
from .arns import new_arn, parse_arn
from .certificate import Certificate, now
from .paging import page
from .passphrase_rule import check_passphrase
from .refusal import Refusal
from .world import WORLD

Params = dict[str, Any]

_TOKEN_LIFE = timedelta(hours=1)


class AcmBackend(BaseBackend, TaggableResourcesMixin):
    """Replaces moto's backend of the same service."""

    SERVICE_NAMESPACE = "acm"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.certificates: dict[str, Certificate] = {}
        self.days_before_expiry = 45
        self._tokens: dict[str, tuple[str, str, Any]] = {}
        self._made = 0

    @property
    def _url_module(self) -> Any:
        return acm_urls

    # Reading

    def find(self, arn: str) -> Certificate:
        """The certificate as it is now; ResourceNotFoundException if it is not here."""
        parse_arn(arn)
        certificate = self.certificates.get(arn)
        if certificate is None:
            raise Refusal(
                "ResourceNotFoundException", f"Could not find certificate {arn} in account {self.account_id}."
            )
        lifecycle.advance(certificate)
        return certificate

    def all(self) -> list[Certificate]:
        """In the order in which they were made."""
        for certificate in self.certificates.values():
            lifecycle.advance(certificate)
        return list(self.certificates.values())

    def describe(self, arn: str) -> dict[str, Any]:
        return {"Certificate": shapes.detail(self.find(arn))}

    def get(self, arn: str) -> dict[str, str]:
        certificate = self._issued(arn)
        leaf = lifecycle.served_leaf(certificate)
        signed = leaf.signed()
        if certificate.tampering and signed.key:
            spoiled = tamper.spoiled(certificate, leaf, tamper.Answer(signed.certificate, signed.chain, signed.key))
            return _with_chain({"Certificate": spoiled.certificate}, spoiled.chain)
        return _with_chain({"Certificate": signed.certificate}, signed.chain)

    def list_page(self, params: Params) -> dict[str, Any]:
        includes = params.get("Includes") or {}
        found = [certificate for certificate in self.all() if rules.is_listed(certificate, params, includes)]
        if params.get("SortOrder") and not params.get("SortBy"):
            raise Refusal("ValidationException", "SortBy and SortOrder must be given together.")
        if params.get("SortOrder") == "DESCENDING":
            found.reverse()
        asked = {name: value for name, value in params.items() if name not in ("NextToken", "MaxItems")}
        certificates, token = page(found, params.get("MaxItems", 1000), params.get("NextToken"), asked)
        return _with_token({"CertificateSummaryList": [shapes.summary(item) for item in certificates]}, token)

    def search_page(self, params: Params) -> dict[str, Any]:
        """MaxResults is 100 if nobody says otherwise (our choice; 500 is the most)."""
        statement = params.get("FilterStatement")
        results = [shapes.search_result(certificate) for certificate in self.all()]
        found = [result for result in results if search.matches(statement, result)]
        ordered = search.sort(found, params.get("SortBy"), params.get("SortOrder"))
        asked = {name: value for name, value in params.items() if name not in ("NextToken", "MaxResults")}
        chosen, token = page(ordered, params.get("MaxResults", 100), params.get("NextToken"), asked)
        return _with_token({"Results": chosen}, token)

    # Making

    def request(self, params: Params) -> str:
        known = self._known_token(params)
        if known:
            return known
        names = tuple(dict.fromkeys([params["DomainName"], *(params.get("SubjectAlternativeNames") or [])]))
        rules.check_request(params, names)
        private = params.get("CertificateAuthorityArn")
        certificate = self.add(
            names=names,
            type="PRIVATE" if private else "AMAZON_ISSUED",
            key_algorithm=params.get("KeyAlgorithm", "RSA_2048"),
            export_option=(params.get("Options") or {}).get("Export", "ENABLED" if private else "DISABLED"),
            validation_method=None if private else params.get("ValidationMethod", "EMAIL"),
            authority_arn=private,
            managed_by=params.get("ManagedBy"),
            tags=params.get("Tags"),
        )
        lifecycle.begin(certificate)
        if params.get("IdempotencyToken"):
            self._tokens[params["IdempotencyToken"]] = (_parameters(params), certificate.arn, now() + _TOKEN_LIFE)
        return certificate.arn

    def add(self, *, tags: list[dict[str, str]] | None = None, **attributes: Any) -> Certificate:
        """Store a new certificate, without any rule but those of tags."""
        self._made += 1
        arn = new_arn(self.region_name, self.account_id)
        certificate = Certificate(
            arn=arn,
            account=self.account_id,
            region=self.region_name,
            sequence=self._made,
            tags=TagHolder(),
            **attributes,
        )
        certificate.tags.add(tags or [])
        self.certificates[arn] = certificate
        return certificate

    def import_certificate(self, params: Params) -> str:
        """A second import to the same ARN replaces the leaf; the ARN must be an import and keep its algorithm."""
        arn = params.get("CertificateArn")
        certificate = self._to_import_over(arn, params) if arn else None
        chain = params.get("CertificateChain")
        parts = importing.Parts(
            base64.b64decode(params["Certificate"]),
            base64.b64decode(params["PrivateKey"]),
            base64.b64decode(chain) if chain else None,
        )
        leaf = importing.imported_leaf(parts, WORLD.authority.keys)
        if certificate is None:
            certificate = self.add(
                names=leaf.request.names,
                type="IMPORTED",
                key_algorithm=leaf.key_algorithm,
                export_option="DISABLED",
                key_pair_origin="CUSTOMER_PROVIDED",
                stored_status="ISSUED",
                tags=params.get("Tags"),
            )
        elif certificate.key_algorithm != leaf.key_algorithm:
            raise Refusal("ValidationException", "The key algorithm of a reimported certificate must not change.")
        certificate.names = leaf.request.names
        certificate.imported_at = now()
        certificate.leaves.append(leaf)
        WORLD.events.available(certificate, "REIMPORT" if arn else "IMPORT")
        return certificate.arn

    # Changing

    def export(self, arn: str, passphrase: bytes) -> dict[str, str]:
        check_passphrase(passphrase)
        certificate = self._issued(arn)
        rules.check_exportable(certificate)
        leaf = lifecycle.served_leaf(certificate)
        signed = leaf.signed()
        assert signed.key
        answer = tamper.spoiled(certificate, leaf, tamper.Answer(signed.certificate, signed.chain, signed.key))
        certificate.exported = True
        if leaf is certificate.leaf:
            certificate.exported_since_issued = True
        return _with_chain(
            {"Certificate": answer.certificate, "PrivateKey": ca.encrypted_key(answer.key, passphrase)}, answer.chain
        )

    def renew(self, arn: str) -> None:
        certificate = self._issued(arn)
        if certificate.renewal_due:
            raise Refusal("RequestInProgressException", f"A renewal of certificate {arn} is in progress.")
        if certificate.type == "IMPORTED" or certificate.key_pair_origin != "AWS_MANAGED":
            raise Refusal("ValidationException", f"Certificate {arn} is not managed by ACM and cannot be renewed.")
        if certificate.status != "ISSUED":
            raise Refusal("ValidationException", f"Certificate {arn} is in status {certificate.status}.")
        rules.check_exported(certificate)
        if WORLD.options.renew_seconds:
            certificate.renewal_due = now() + timedelta(seconds=WORLD.options.renew_seconds)
            lifecycle.set_renewal(certificate, "PENDING_AUTO_RENEWAL")
        else:
            lifecycle.renew(certificate)

    def revoke(self, arn: str, reason: str) -> dict[str, str]:
        certificate = self._issued(arn)
        if certificate.type != "AMAZON_ISSUED":
            raise Refusal("ValidationException", f"Certificate {arn} is not a public certificate issued by ACM.")
        if certificate.status == "REVOKED":
            raise Refusal("ConflictException", f"Certificate {arn} is already revoked.")
        if not certificate.exported:
            raise Refusal("ValidationException", f"Certificate {arn} must have at least one relation of type EXPORT.")
        if certificate.in_use_by:
            raise Refusal("ResourceInUseException", f"Certificate {arn} is in use.")
        lifecycle.revoke(certificate, reason)
        return {"CertificateArn": arn}

    def update_options(self, arn: str, options: dict[str, str]) -> None:
        """Whether a certificate can be exported is decided at its request and never again."""
        certificate = self.find(arn)
        if certificate.type != "AMAZON_ISSUED":
            raise Refusal("ValidationException", f"Certificate {arn} is not a public certificate issued by ACM.")
        if certificate.status != "ISSUED":
            raise Refusal("InvalidStateException", f"Certificate {arn} is in status {certificate.status}.")
        if options.get("Export", certificate.export_option) != certificate.export_option:
            raise Refusal("ValidationException", "The export option can only be set when a certificate is requested.")
        if options.get("CertificateTransparencyLoggingPreference") == "DISABLED":
            raise Refusal("ValidationException", "Certificate transparency logging cannot be disabled.")
        certificate.validation_method = options.get("ValidationMethod", certificate.validation_method)

    def delete(self, arn: str) -> None:
        certificate = self.find(arn)
        if certificate.in_use_by:
            raise Refusal("ResourceInUseException", f"Certificate {arn} is in use.")
        del self.certificates[arn]

    # What other parts of moto call

    def get_certificate(self, arn: str) -> Certificate:
        if arn not in self.certificates:
            raise CertificateNotFound(arn=arn, account_id=self.account_id)
        return self.certificates[arn]

    def set_certificate_in_use_by(self, arn: str, load_balancer_name: str) -> None:
        self.get_certificate(arn).in_use_by.append(load_balancer_name)

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        for certificate in list(self.certificates.values()):
            tags = {key: value or "" for key, value in certificate.tags.items()}
            yield TaggedResource(arn=certificate.arn, tags=tags, resource_type="acm:certificate")

    def tag_resource(self, arn: str, tags: dict[str, str]) -> None:
        self.find(arn).tags.add([{"Key": key, "Value": value} for key, value in tags.items()])

    def untag_resource(self, arn: str, tag_keys: Any) -> None:
        self.find(arn).tags.remove([{"Key": key} for key in tag_keys])

    # Rules that several calls share

    def _issued(self, arn: str) -> Certificate:
        """A certificate that has a leaf."""
        certificate = self.find(arn)
        if certificate.status == "PENDING_VALIDATION":
            raise Refusal("RequestInProgressException", f"The request for certificate {arn} is still in progress.")
        if not certificate.leaf:
            raise Refusal(
                "ValidationException", f"Certificate {arn} is in status {certificate.status} and was never issued."
            )
        return certificate

    def _known_token(self, params: Params) -> str | None:
        known = self._tokens.get(params.get("IdempotencyToken") or "")
        if not known:
            return None
        parameters, arn, until = known
        same = parameters == _parameters(params) and arn in self.certificates and now() < until
        return arn if same else None

    def _to_import_over(self, arn: str, params: Params) -> Certificate:
        certificate = self.find(arn)
        if certificate.type != "IMPORTED":
            raise Refusal("ValidationException", f"Certificate {arn} was not imported and cannot be reimported.")
        if params.get("Tags"):
            raise Refusal("ValidationException", "Tags cannot be given when a certificate is reimported.")
        return certificate


def _parameters(params: Params) -> str:
    return json.dumps({name: value for name, value in params.items() if name != "IdempotencyToken"}, sort_keys=True)


def _with_chain(answer: dict[str, str], chain: str) -> dict[str, str]:
    return {**answer, "CertificateChain": chain} if chain else answer


def _with_token(answer: dict[str, Any], token: str | None) -> dict[str, Any]:
    return {**answer, "NextToken": token} if token else answer


def install() -> None:
    """Put this backend where moto looks for its own."""
    from moto.acm.models import acm_backends

    acm_backends.backend = AcmBackend


def backend_of(account: str, region: str) -> AcmBackend:
    from moto.acm.models import acm_backends

    backend = acm_backends[account][region]
    assert isinstance(backend, AcmBackend)
    return backend


def certificate_of(arn: str) -> Certificate:
    """For control: whatever account and region the ARN names."""
    place = parse_arn(arn)
    return backend_of(place.account, place.region).find(arn)
