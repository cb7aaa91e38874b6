# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What boto3 raises becomes one sentence with the remedy, and never holds a secret."""

from __future__ import annotations

import traceback
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import exceptions

from ansible_collections.certops.acm.plugins.module_utils import acm, secrets_manager, service_errors
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError, ServiceError

ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/0a"
USER = "arn:aws:sts::111122223333:assumed-role/certops/run"
SECRET = "a-passphrase-nobody-may-ever-see"


class Raising:
    """A client whose every call fails."""

    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, error: Exception, times: int = 99) -> None:
        self.error, self.left, self.calls = error, times, 0

    def __getattr__(self, _name: str) -> Any:
        def call(**_request: Any) -> Any:
            self.calls += 1
            if self.calls > self.left:
                return {"Certificate": {"CertificateArn": ARN}}
            raise self.error

        return call


def refusal(code: str, message: str = "") -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "DescribeCertificate")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            refusal("AccessDeniedException", f"User: {USER} is not authorized to perform: acm:DescribeCertificate on"),
            f"{USER} may not call acm:DescribeCertificate on {ARN}: allow acm:DescribeCertificate in the IAM policy",
        ),
        (refusal("AccessDenied", "no"), "the caller may not call acm:DescribeCertificate on"),
        (
            refusal("AccessDeniedException", f"User: {USER} is not authorized ... with an explicit deny in a service"),
            "a policy denies it explicitly, remove that deny",
        ),
        (refusal("ResourceNotFoundException", "x"), f"no certificate {ARN} in this account and eu-west-1: check the"),
        (refusal("InvalidArnException"), f"ACM does not know the ARN {ARN}"),
        (refusal("ExpiredTokenException"), "the AWS credentials have expired: renew them"),
        (refusal("UnrecognizedClientException"), "does not accept the credentials (UnrecognizedClientException)"),
        (refusal("ThrottlingException"), "AWS throttles acm:DescribeCertificate even after 8 tries"),
        (
            refusal("SomethingNew", "It is {odd}."),
            f"AWS refused acm:DescribeCertificate on {ARN}: It is {{odd}} (SomethingNew)",
        ),
        (exceptions.NoCredentialsError(), "no usable AWS credentials for acm"),
        (
            exceptions.EndpointConnectionError(endpoint_url="http://127.0.0.1:1/"),
            'cannot reach acm in eu-west-1 (Could not connect to the endpoint URL: "http://127.0.0.1:1/")',
        ),
        (exceptions.ConnectTimeoutError(endpoint_url="http://127.0.0.1:1/"), "check the network, the proxy, region"),
        (exceptions.NoRegionError(), "no usable region for acm: set region"),
        (exceptions.SSOTokenLoadError(error_msg="x"), "run 'aws sso login'"),
    ],
)
def test_error_becomes_a_sentence(error: Exception, says: str) -> None:
    with pytest.raises(ServiceError) as caught:
        acm.describe_certificate(Raising(error), ARN)
    assert says in str(caught.value)
    assert caught.value.operation == "acm:DescribeCertificate"
    assert caught.value.__cause__ is None
    assert "\n" not in str(caught.value)


def test_profile_that_is_not_there() -> None:
    sentence = service_errors.sentence_for_connection(exceptions.ProfileNotFound(profile="nowhere"), "acm")
    assert sentence.startswith("The config profile (nowhere) could not be found: check profile")


def test_throttling_is_retried() -> None:
    client = Raising(refusal("ThrottlingException"), times=3)
    assert acm.describe_certificate(client, ARN).arn == ARN
    assert client.calls == 4


def test_pending_issuance_is_not_retried() -> None:
    client = Raising(refusal("RequestInProgressException"))
    with pytest.raises(ServiceError, match="is not issued yet"):
        acm.export_certificate(client, ARN, SECRET)
    assert client.calls == 1


def test_refusal_of_a_parameter_does_not_show_its_value() -> None:
    """botocore's own text repeats the value; the sentence names the parameter only."""
    client = boto3.client(
        "secretsmanager",
        region_name="eu-west-1",
        aws_access_key_id="AKIA" + "000000000000TEST",
        aws_secret_access_key="not-a-secret-but-long-enough",
    )
    version: Any = {"SecretString": [SECRET]}
    with pytest.raises(exceptions.ParamValidationError, match=SECRET):
        client.put_secret_value(SecretId="s", **version)
    with pytest.raises(ServiceError) as caught:
        secrets_manager.put_secret_value(client, "s", version, ["serial-a"])
    assert str(caught.value).startswith("the AWS SDK refuses a parameter of secretsmanager:PutSecretValue on s")
    assert "SecretString" in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_passphrase_goes_out_as_bytes() -> None:
    """Anything else of a wrong type would be printed by botocore."""
    sent: list[Any] = []

    class Client:
        meta = SimpleNamespace(region_name="eu-west-1")

        def export_certificate(self, **request: Any) -> dict[str, str]:
            sent.append(request["Passphrase"])
            return {"Certificate": "leaf", "CertificateChain": "chain", "PrivateKey": "key"}

    acm.export_certificate(Client(), ARN, SECRET)
    assert sent == [SECRET.encode()]


def test_secrets_are_not_in_a_representation() -> None:
    assert SECRET not in repr(secrets_manager.SecretVersion("arn", "id", SECRET))
    assert SECRET not in repr(acm.ExportedCertificate("leaf", "chain", SECRET))


def test_a_failure_names_the_operation_to_allow() -> None:
    error = ServiceError("no", operation="acm:ExportCertificate", code="AccessDeniedException")
    assert service_errors.failure(error) == {
        "msg": "no",
        "operation": "acm:ExportCertificate",
        "error_code": "AccessDeniedException",
    }
    assert service_errors.failure(PlanError("no")) == {"msg": "no"}
