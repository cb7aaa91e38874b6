# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""acm_export_cert: openssl judges what it exports, the stand-in counts what it costs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from integration.playbook import TaskResult, run_playbook
from integration.tally import Tally, assert_clear

from standin.client import Standin

MODULE = "acm_export_cert"
PASSPHRASE = "correct-horse-battery-staple-0123456789"


def openssl(*arguments: str, text: str = "") -> str:
    finished = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def check_with_openssl(result: TaskResult, root: str, tmp_path: Path) -> None:
    """Chain signs leaf, key is the leaf's, and the fields say what the leaf says."""
    for name, text in (("leaf", result["certificate"]), ("chain", result["certificate_chain"]), ("root", root)):
        (tmp_path / name).write_text(text)
    verified = openssl(
        "verify", "-CAfile", str(tmp_path / "root"), "-untrusted", str(tmp_path / "chain"), str(tmp_path / "leaf")
    )
    assert verified.endswith("OK")
    key = openssl("pkey", "-pubout", "-passin", f"pass:{PASSPHRASE}", text=result["encrypted_private_key"])
    assert key == openssl("x509", "-pubkey", "-noout", text=result["certificate"])
    fingerprint = openssl("x509", "-fingerprint", "-sha256", "-noout", text=result["certificate"])
    assert fingerprint.split("=")[1].replace(":", "").lower() == result["fingerprint"]
    serial = openssl("x509", "-serial", "-noout", text=result["certificate"])
    assert serial.split("=")[1].lower().lstrip("0") == result["serial"]


def export(tally: Tally, arn: str, **options: Any) -> dict[str, Any]:
    return tally.task(MODULE, {"certificate_arn": arn, "passphrase": PASSPHRASE, **options})


def test_one_call_gives_a_bundle_that_openssl_accepts(standin: Standin, tmp_path: Path) -> None:
    algorithms = ("RSA_2048", "EC_prime256v1", "EC_secp384r1")
    exports = [Tally(standin) for _unused in algorithms]
    arns = [tally.certificate(key_algorithm=name) for tally, name in zip(exports, algorithms)]
    private, checked = Tally(standin), Tally(standin)
    authority = standin.control("private_ca", account=private.account)
    private_arn = private.certificate(authority_arn=authority["arn"])
    checked_arn = checked.certificate()
    run = run_playbook(
        [
            *[export(tally, arn) for tally, arn in zip(exports, arns)],
            export(private, private_arn),
            checked.task(MODULE, {"certificate_arn": checked_arn}, check_mode=True),
        ],
        {},
        arguments=["-vvv"],
    )
    assert [result.outcome for result in run.results] == ["ok"] * 5
    assert all(result.changed for result in run.results)
    for result, tally, name in zip(run.results, exports, algorithms):
        check_with_openssl(result, standin.root_pem(), tmp_path)
        assert result["key_algorithm"] == name
        assert result["names"] == ["www.example.com"]
        assert tally.calls() == {"acm:ExportCertificate": 1}
    check_with_openssl(run[3], authority["root"], tmp_path)
    assert run[4]["encrypted_private_key"] is None
    assert run[4]["serial"]
    assert run[4]["certificate_chain"].startswith("-----BEGIN CERTIFICATE-----")
    assert checked.calls() == {"acm:GetCertificate": 1}
    assert PASSPHRASE not in run.output
    assert "BEGIN PRIVATE KEY" not in run.output


def test_waits_for_the_serial_that_is_wanted(standin: Standin) -> None:
    waits, differs, late, checks = (Tally(standin) for _unused in range(4))
    arns = [tally.certificate() for tally in (waits, differs, late, checks)]
    before, after = [], []
    for arn, stale in zip(arns, (2, 1, 99, 1)):
        renewed = standin.renew(arn, force=True, stale_calls=stale)
        leaves = standin.certificate(arn)["leaves"]
        before.append(leaves[0]["serial"])
        after.append(leaves[-1]["serial"])
        assert renewed
    run = run_playbook(
        [
            export(waits, arns[0], serial=after[0], wait_delay=0),
            export(differs, arns[1], previous_serial=before[1], wait_delay=0),
            export(late, arns[2], serial=after[2], wait_timeout=4, wait_delay=2),
            checks.task(
                MODULE, {"certificate_arn": arns[3], "previous_serial": before[3], "wait_delay": 0}, check_mode=True
            ),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok", "ok", "failed", "ok"]
    for number in (0, 1, 3):
        assert run[number]["serial"] == after[number].replace(":", "").lower().lstrip("0")
    assert waits.calls() == {"acm:ExportCertificate": 3}
    assert differs.calls() == {"acm:ExportCertificate": 2}
    assert checks.calls() == {"acm:GetCertificate": 2}
    assert 2 <= late.calls()["acm:ExportCertificate"] <= 4
    assert_clear(
        run[2].msg, f"not serial {after[2]}, after 4 seconds", "run again later or raise wait_timeout", arns[2]
    )


def test_what_cannot_be_exported_is_explained(standin: Standin) -> None:
    pending, failed, disabled, old, acme, imported, revoked = (Tally(standin) for _unused in range(7))
    revoked_arn = revoked.certificate()
    # Only what was exported can be revoked.
    revoked.client("acm").export_certificate(CertificateArn=revoked_arn, Passphrase=PASSPHRASE.encode())
    revoked.client("acm").revoke_certificate(CertificateArn=revoked_arn, RevocationReason="KEY_COMPROMISE")
    failed_arn = failed.certificate(issue=False)
    standin.control("fail", arn=failed_arn)
    imported_arn = imported.client("acm").import_certificate(**import_material(standin))["CertificateArn"]
    cases = [
        (pending, pending.certificate(issue=False), ["not issued yet", "finish the DNS validation"]),
        (failed, failed_arn, ["the request failed (CAA_ERROR)"]),
        (disabled, disabled.certificate(export=False), ["Export=DISABLED", "request a new certificate with Export=E"]),
        (
            old,
            old.certificate(export=False, created_at="2025-06-16T10:00:00Z"),
            ["made on 2025-06-16", "before 2025-06-17 can never be exported"],
        ),
        (acme, acme.certificate(key_pair_origin="ACME"), ["made through ACME"]),
        (imported, imported_arn, ["was imported", "deploy the files it was imported from"]),
        (revoked, revoked_arn, ["is revoked: request a new certificate"]),
    ]
    standin.reset_counts()
    run = run_playbook([export(tally, arn) for tally, arn, _says in cases], {}, arguments=["-vvv"])
    assert [result.outcome for result in run.results] == ["failed"] * len(cases)
    for result, (tally, arn, says) in zip(run.results, cases):
        assert_clear(result.msg, f"certificate {arn} ", *says)
        assert tally.calls() == {"acm:ExportCertificate": 1, "acm:DescribeCertificate": 1}
    assert PASSPHRASE not in run.output


def import_material(standin: Standin) -> dict[str, bytes]:
    """A certificate with its key, made elsewhere: here, by another export."""
    tally = Tally(standin)
    client = tally.client("acm")
    given = client.export_certificate(CertificateArn=tally.certificate(), Passphrase=PASSPHRASE.encode())
    key = openssl("pkey", "-passin", f"pass:{PASSPHRASE}", text=given["PrivateKey"])
    return {
        "Certificate": given["Certificate"].encode(),
        "CertificateChain": given["CertificateChain"].encode(),
        "PrivateKey": key.encode(),
    }


def test_what_acm_gives_is_checked(standin: Standin) -> None:
    says = {
        "drop_chain": "the chain is missing",
        "other_chain": "the chain does not sign the certificate",
        "other_key": "the private key does not belong to the certificate",
        "garbage_certificate": "is not readable as PEM",
        "expired": "the certificate for www.example.com expired at 2026-",
        "not_yet_valid": "is not valid before 20",
    }
    tally = Tally(standin)
    arns = {kind: tally.certificate() for kind in says}
    for kind, arn in arns.items():
        standin.tamper(arn, kind)
    run = run_playbook([export(tally, arn) for arn in arns.values()], {}, arguments=["-vvv"])
    assert [result.outcome for result in run.results] == ["failed"] * len(says)
    for result, sentence in zip(run.results, says.values()):
        assert_clear(result.msg, sentence)
        assert "encrypted_private_key" not in result.result


def test_bad_input_is_refused_before_any_call(standin: Standin) -> None:
    tally = Tally(standin)
    arn = tally.certificate()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"passphrase": "a-long-passphrase-with-#-in-it"}, "# $ %"),
        ({"passphrase": "a-long-passphrase-with-ü-in-it"}, "ASCII"),
        ({"passphrase": None}, "an export needs a passphrase: take one from certops.acm.secret_passphrase"),
        ({"region": "us-east-1"}, "lives in eu-west-1, this task asks us-east-1: set region: eu-west-1"),
        ({"previous_serial": "12-34"}, "'12-34' is not the serial"),
    ]
    run = run_playbook([export(tally, arn, **options) for options, _says in cases], {}, arguments=["-vvv"])
    assert [result.outcome for result in run.results] == ["failed"] * len(cases)
    for result, (options, says) in zip(run.results, cases):
        assert_clear(result.msg, says)
        assert (options.get("passphrase") or PASSPHRASE) not in run.output
    assert tally.calls() == {}


def test_refusals_of_aws(standin: Standin) -> None:
    export_denied, describe_denied, throttled, lost, masked = (Tally(standin) for _unused in range(5))
    unknown = export_denied.certificate()[:-4] + "0000"
    standin.deny("acm:ExportCertificate", account=export_denied.account)
    standin.deny("acm:DescribeCertificate", account=describe_denied.account)
    standin.throttle("acm:ExportCertificate", 4, account=throttled.account)
    standin.fault("acm:ExportCertificate", "InternalFailure", account=lost.account, status=500, times=1)
    checked = Tally(standin)
    standin.deny("acm:GetCertificate", account=checked.account)
    run = run_playbook(
        [
            export(export_denied, export_denied.certificate()),
            export(describe_denied, describe_denied.certificate(export=False)),
            export(throttled, throttled.certificate()),
            export(lost, lost.certificate()),
            export(Tally(standin), unknown),
            checked.task(MODULE, {"certificate_arn": checked.certificate()}, check_mode=True),
            export(masked, masked.certificate(), passphrase="BEGIN"),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["failed", "failed", "ok", "ok", "failed", "failed", "failed"]
    assert_clear(run[0].msg, "may not call acm:ExportCertificate on arn:", "allow acm:ExportCertificate in the IAM pol")
    # Without DescribeCertificate nobody can explain, so the refusal itself is reported.
    assert_clear(run[1].msg, "acm:ExportCertificate", "ValidationException")
    assert throttled.calls() == {"acm:ExportCertificate": 5}
    assert lost.calls() == {"acm:ExportCertificate": 2}
    assert_clear(run[4].msg, f"no certificate {unknown} in this account")
    assert_clear(run[5].msg, "may not call acm:GetCertificate")
    assert_clear(run[6].msg, "where Ansible would mask it: use a longer one")
