# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in keeps ACM's rules: real boto3 over HTTP asks, openssl judges what comes out.

Other tests are only worth as much as these: what AWS refuses, the stand-in must refuse.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

OPENSSL_NAMES = {"RSA_2048": "Public-Key: (2048 bit)", "EC_prime256v1": "prime256v1", "EC_secp384r1": "secp384r1"}
ALGORITHMS = tuple(OPENSSL_NAMES)
PASSPHRASE = b"correct-horse-battery"
ACCOUNT = "123456789012"
OTHER_ACCOUNT = "111122223333"
REGION = "eu-west-1"
PAST = "2020-01-01T00:00:00Z"
BARE = Config(retries={"max_attempts": 0, "mode": "standard"}, parameter_validation=False)
"""Neither retries nor checks before sending: what is refused, the stand-in refused."""


class Judge:
    """openssl, with its files in a directory of the test's own."""

    def __init__(self, folder: Path, root: str) -> None:
        self._folder = folder
        self._root = self._write("root.pem", root)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)

    def verifies(self, certificate: str, chain: str) -> bool:
        leaf, above = self._write("leaf.pem", certificate), self._write("chain.pem", chain)
        done = self.run("verify", "-purpose", "sslserver", "-CAfile", self._root, "-untrusted", above, leaf)
        return done.returncode == 0

    def field(self, certificate: str, *names: str) -> str:
        return self.run("x509", "-in", self._write("leaf.pem", certificate), "-noout", *names).stdout

    def serial(self, certificate: str) -> int:
        return int(self.field(certificate, "-serial").strip().removeprefix("serial="), 16)

    def public_key_of_leaf(self, certificate: str) -> str:
        return self.field(certificate, "-pubkey")

    def public_key_of_key(self, private_key: str, passphrase: bytes = PASSPHRASE) -> str:
        """Empty if the passphrase does not open it."""
        path = self._write("key.pem", private_key)
        return self.run("pkey", "-in", path, "-passin", f"pass:{passphrase.decode()}", "-pubout").stdout

    def belongs_together(self, exported: dict[str, str]) -> bool:
        key = self.public_key_of_key(exported["PrivateKey"])
        return key != "" and key == self.public_key_of_leaf(exported["Certificate"])

    def _write(self, name: str, text: str) -> str:
        path = self._folder / name
        path.write_text(text, encoding="ascii")
        return str(path)


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Code and message with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def code(call: Callable[..., Any], **arguments: Any) -> str:
    return refusal(call, **arguments)[0]


def export(acm: Any, arn: str) -> dict[str, str]:
    answer: dict[str, str] = acm.export_certificate(CertificateArn=arn, Passphrase=PASSPHRASE)
    return answer


def describe(acm: Any, arn: str) -> dict[str, Any]:
    certificate: dict[str, Any] = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    return certificate


def as_number(serial: str) -> int:
    return int(serial.replace(":", ""), 16)


def code_or_ok(call: Callable[..., Any]) -> str:
    try:
        call()
    except ClientError as problem:
        return str(problem.response["Error"]["Code"])
    return "ok"
