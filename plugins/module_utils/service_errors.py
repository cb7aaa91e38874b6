# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns what boto3 raises into a ServiceError: one sentence, with the remedy.

The sentence is built from the error's code and AWS's own message. The text of a
``ParamValidationError`` is never used, because it repeats the values of the parameters.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, TypeVar

try:
    from botocore import exceptions as botocore_exceptions
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError, ServiceError

F = TypeVar("F", bound=Callable[..., Any])

# AWSRetry knows "Throttling" only. RequestInProgressException is not here: a pending issuance takes
# minutes to days, so the caller looks at the certificate first.
RETRY_CODES = [
    "ThrottlingException",
    "ThrottledException",
    "ProvisionedThroughputExceededException",
    "InternalServerError",
    "InternalServiceError",
    "TransactionInProgressException",
    "TransactionConflictException",
]
THROTTLING = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
REJECTED = {
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "IncompleteSignature",
}

_DENIED = "{who} may not call {operation}{on}: allow {operation} in the IAM policy (docs/iam.md)"
_DENIED_EXPLICITLY = (
    "{who} may not call {operation}{on}: a policy denies it explicitly, remove that deny "
    "(service control policy, permissions boundary or resource policy; docs/iam.md)"
)
_THROTTLED = "AWS throttles {operation} even after {retries} tries: run again later, or run fewer tasks at once"
_EXPIRED = "the AWS credentials have expired: renew them and run again"
_REJECTED = "AWS does not accept the credentials ({code}): check access key, secret key, session token and the clock"
_DEFAULT = "AWS refused {operation}{on}: {message} ({code})"
_PARAMETER = "the AWS SDK refuses a parameter of {operation}{on}{names}: check the options of this task"


def sentence_for_connection(error: Exception, service: str, region: str | None = None) -> str:
    """Return one sentence for an error that is not an answer of AWS: credentials, region, network."""
    name = type(error).__name__
    if name == "ProfileNotFound":
        return f"{error}: check profile (AWS_PROFILE) and the AWS configuration of the machine that runs this task"
    if name in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"):
        return (
            f"no usable AWS credentials for {service} ({name}): set profile, or access_key and secret_key, "
            "or run where an IAM role is attached"
        )
    if name.startswith(("SSO", "Token", "UnauthorizedSSO")) or "Login" in name:
        return f"the AWS sign-in is not valid ({name}): run 'aws sso login' and try again"
    if name in ("NoRegionError", "InvalidRegionError"):
        return f"no usable region for {service}: set region, or AWS_REGION in the environment"
    if isinstance(error, ValueError):
        return f"cannot connect to {service}: {error}; check endpoint_url and region"
    where = f" in {region}" if region else ""
    return (
        f"cannot reach {service}{where} ({_first_line(error)}): "
        "check the network, the proxy, region and endpoint_url of this task"
    )


class ServiceErrorHandler:
    """Decorates the functions of a gateway, one function per API call, the client first.

    A subclass names the service and, per error code, the sentence a user shall read. A sentence may use
    ``{who}``, ``{operation}``, ``{resource}``, ``{on}``, ``{message}``, ``{code}``, ``{region}``.
    """

    SERVICE: ClassVar[str]
    SENTENCES: ClassVar[Mapping[str, str]] = {}
    RETRIES: ClassVar[int] = 8

    @classmethod
    def call(cls, operation: str, resource: str | None = None) -> Callable[[F], F]:
        """Retry while AWS throttles, then turn an error into a ServiceError.

        Args:
            operation: the API operation, such as ``DescribeCertificate``.
            resource: the parameter of the decorated function that names the resource in messages.
        """

        def decorate(function: F) -> F:
            retrying = AWSRetry.jittered_backoff(
                retries=cls.RETRIES, delay=0.5, max_delay=10, catch_extra_error_codes=RETRY_CODES
            )(function)
            signature = inspect.signature(function)

            @functools.wraps(function)
            def wrapper(client: Any, *args: Any, **kwargs: Any) -> Any:
                try:
                    return retrying(client, *args, **kwargs)
                except (botocore_exceptions.ClientError, botocore_exceptions.BotoCoreError) as error:
                    given = signature.bind(client, *args, **kwargs).arguments
                    name = given.get(resource) if resource else None
                    cls._raise(error, operation=operation, resource=name, client=client)

            return wrapper  # type: ignore[return-value]

        return decorate

    @classmethod
    def _raise(cls, error: Exception, *, operation: str, resource: str | None, client: Any) -> NoReturn:
        full = f"{cls.SERVICE}:{operation}"
        region = client.meta.region_name
        code: str | None = None
        if isinstance(error, botocore_exceptions.ClientError):
            code = str(error.response.get("Error", {}).get("Code"))
            sentence = cls._refusal(error, full, resource=resource, region=region)
        elif isinstance(error, botocore_exceptions.ParamValidationError):
            sentence = _PARAMETER.format(operation=full, on=_on(resource), names=_parameter_names(error))
        else:
            sentence = sentence_for_connection(error, cls.SERVICE, region)
        # Not "from error": its text may hold the value of a parameter, and Ansible prints causes.
        raise ServiceError(sentence, operation=full, code=code) from None

    @classmethod
    def _refusal(cls, error: Any, operation: str, *, resource: str | None, region: str) -> str:
        answer = error.response.get("Error", {})
        code, message = str(answer.get("Code")), str(answer.get("Message") or "no reason given").rstrip(". ")
        facts = {
            "who": _who(message),
            "operation": operation,
            "resource": resource or "the resource",
            "on": _on(resource),
            "message": message,
            "code": code,
            "region": region,
            "retries": cls.RETRIES,
        }
        template = cls.SENTENCES.get(code)
        if template is None:
            template = _general_sentence(code, message)
        return template.format(**facts)


def _general_sentence(code: str, message: str) -> str:
    if code in DENIED:
        return _DENIED_EXPLICITLY if "explicit deny" in message else _DENIED
    if code in THROTTLING:
        return _THROTTLED
    if code in EXPIRED:
        return _EXPIRED
    if code in REJECTED:
        return _REJECTED
    return _DEFAULT


def _who(message: str) -> str:
    """Return the principal AWS names in its refusal."""
    found = re.search(r"User: (arn:\S+)", message)
    return found.group(1) if found else "the caller"


def _on(resource: str | None) -> str:
    return f" on {resource}" if resource else ""


def _parameter_names(error: Any) -> str:
    """Return the names in a report of botocore, and nothing that could be part of a value."""
    report = str(error.kwargs.get("report", ""))
    names = re.findall(r"^Invalid \w+ for parameter ([A-Za-z.]+)", report, re.MULTILINE)
    names += re.findall(r"^(?:Missing required|Unknown) parameter in [\w.]+: \"(\w+)\"", report, re.MULTILINE)
    return f" ({', '.join(dict.fromkeys(names))})" if names else ""


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(". ") if str(error) else type(error).__name__


def failure(error: AcmError) -> dict[str, Any]:
    """Return what a module fails with."""
    if isinstance(error, ServiceError):
        return {"msg": str(error), "operation": error.operation, "error_code": error.code}
    return {"msg": str(error)}
