# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ACM's API as moto dispatches it: one method an action, parameters checked against the model."""

from __future__ import annotations

import base64
import json
from typing import Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from .acm import AcmBackend, backend_of
from .refusal import Refusal
from .validation import check_input
from .world import WORLD


class AcmApi(BaseResponse):
    """Method names are moto's convention: the action in snake case."""

    def __init__(self) -> None:
        super().__init__(service_name="acm")

    @property
    def backend(self) -> AcmBackend:
        return backend_of(self.current_account, self.region)

    @property
    def input(self) -> dict[str, Any]:
        params: dict[str, Any] = json.loads(self.body or "{}")
        return params

    def call_action(self) -> Any:
        """One rule at a time, so that state is never seen half changed."""
        with WORLD.lock:
            return super().call_action()

    def _checked(self) -> dict[str, Any]:
        params = self.input
        check_input("acm", self._get_action(), params)
        return params

    def _arn(self) -> str:
        arn: str = self._checked()["CertificateArn"]
        return arn

    def describe_certificate(self) -> ActionResult:
        return ActionResult(self.backend.describe(self._arn()))

    def get_certificate(self) -> ActionResult:
        return ActionResult(self.backend.get(self._arn()))

    def list_certificates(self) -> ActionResult:
        return ActionResult(self.backend.list_page(self._checked()))

    def search_certificates(self) -> ActionResult:
        return ActionResult(self.backend.search_page(self._checked()))

    def request_certificate(self) -> ActionResult:
        return ActionResult({"CertificateArn": self.backend.request(self._checked())})

    def import_certificate(self) -> ActionResult:
        return ActionResult({"CertificateArn": self.backend.import_certificate(self._checked())})

    def export_certificate(self) -> ActionResult:
        params = self._checked()
        passphrase = base64.b64decode(params["Passphrase"])
        return ActionResult(self.backend.export(params["CertificateArn"], passphrase))

    def renew_certificate(self) -> ActionResult:
        self.backend.renew(self._arn())
        return EmptyResult()

    def revoke_certificate(self) -> ActionResult:
        params = self._checked()
        return ActionResult(self.backend.revoke(params["CertificateArn"], params["RevocationReason"]))

    def update_certificate_options(self) -> ActionResult:
        params = self._checked()
        self.backend.update_options(params["CertificateArn"], params["Options"])
        return EmptyResult()

    def delete_certificate(self) -> ActionResult:
        self.backend.delete(self._arn())
        return EmptyResult()

    def resend_validation_email(self) -> ActionResult:
        params = self._checked()
        certificate = self.backend.find(params["CertificateArn"])
        if certificate.validation_method != "EMAIL" or certificate.status != "PENDING_VALIDATION":
            raise Refusal("InvalidStateException", "The certificate does not wait for validation by e-mail.")
        if params["Domain"] not in certificate.names:
            raise Refusal("InvalidDomainValidationOptionsException", "The domain is not one of the certificate's.")
        return EmptyResult()

    def add_tags_to_certificate(self) -> ActionResult:
        params = self._checked()
        self.backend.find(params["CertificateArn"]).tags.add(params["Tags"])
        return EmptyResult()

    def remove_tags_from_certificate(self) -> ActionResult:
        params = self._checked()
        self.backend.find(params["CertificateArn"]).tags.remove(params["Tags"])
        return EmptyResult()

    def list_tags_for_certificate(self) -> ActionResult:
        return ActionResult({"Tags": self._tags_of(self._arn())})

    def tag_resource(self) -> ActionResult:
        params = self._checked()
        self.backend.find(params["ResourceArn"]).tags.add(params["Tags"])
        return EmptyResult()

    def untag_resource(self) -> ActionResult:
        params = self._checked()
        self.backend.untag_resource(params["ResourceArn"], params["TagKeys"])
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        return ActionResult({"Tags": self._tags_of(self._checked()["ResourceArn"])})

    def get_account_configuration(self) -> ActionResult:
        return ActionResult({"ExpiryEvents": {"DaysBeforeExpiry": self.backend.days_before_expiry}})

    def put_account_configuration(self) -> ActionResult:
        params = self._checked()
        days = (params.get("ExpiryEvents") or {}).get("DaysBeforeExpiry")
        if days is not None:
            self.backend.days_before_expiry = days
        return EmptyResult()

    def _tags_of(self, arn: str) -> list[dict[str, str]]:
        tags = self.backend.find(arn).tags
        return [{"Key": key, **({"Value": value} if value is not None else {})} for key, value in tags.items()]
