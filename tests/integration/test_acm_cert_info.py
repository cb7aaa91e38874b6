# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""acm_cert_info: what it finds, at what cost, and what it says when something is wrong."""

from __future__ import annotations

from typing import Any

from integration.playbook import run_playbook
from integration.tally import Tally, assert_clear

from standin.client import Standin

MODULE = "acm_cert_info"
ROLE = "arn:aws:iam::444455556666:role/certops"


def names(result: Any) -> list[str]:
    return sorted(certificate["domain_name"] for certificate in result["certificates"])


def test_finds_what_was_asked_for_with_few_calls(standin: Standin) -> None:
    one, every, details, filtered, many, gone = (Tally(standin) for _unused in range(6))
    arn = one.certificate(names=["example.com"], tags={"Team": "web"})
    for tally in (every, details, filtered):
        tally.certificate("rsa.example.com", tags={"Team": "web"})
        tally.certificate("ec.example.com", key_algorithm="EC_prime256v1", validity={"days_left": 5})
        tally.certificate("acme.example.com", key_pair_origin="ACME")
        tally.certificate("pending.example.com", issue=False, tags={"Team": "web"})
    arns = [many.certificate(f"site{number}.example.com") for number in range(12)]
    unknown = arn[:-4] + "0000"
    known = gone.certificate()
    cases: list[tuple[Tally, dict[str, Any]]] = [
        (one, {"certificate_arn": arn, "include_tags": True}),
        (every, {"include_tags": True}),
        (details, {"details": True, "statuses": ["ISSUED"]}),
        (many, {"certificate_arn": [*arns, unknown], "missing_ok": True}),
        (gone, {"arn": [known, unknown], "missing_ok": True}),
        (filtered, {"tags": {"Team": "web"}, "statuses": ["ISSUED"]}),
        (filtered, {"expires_within_days": 10}),
        (filtered, {"domain_name": "ec.example.com"}),
        (filtered, {"names": ["rsa.example.com"]}),
    ]
    run = run_playbook([tally.task(MODULE, options) for tally, options in cases], {})
    assert [result.outcome for result in run.results] == ["ok"] * len(cases)
    assert not any(result.changed for result in run.results)

    (certificate,) = run[0]["certificates"]
    held = standin.certificate(arn)
    assert certificate["certificate_arn"] == arn
    assert certificate["names"] == ["www.example.com", "example.com"]
    assert certificate["export_option"] == "ENABLED"
    assert certificate["tags"] == {"Team": "web"}
    assert certificate["serial"] == held["leaves"][-1]["serial"].replace(":", "").lower().lstrip("0")
    assert one.calls() == {"acm:DescribeCertificate": 1, "tag:GetResources": 1}

    assert names(run[1]) == ["acme.example.com", "ec.example.com", "pending.example.com", "rsa.example.com"]
    tags = {certificate["domain_name"]: certificate["tags"] for certificate in run[1]["certificates"]}
    assert tags["rsa.example.com"] == {"Team": "web"}
    assert tags["ec.example.com"] == {}
    assert every.calls() == {"acm:ListCertificates": 1, "tag:GetResources": 1}

    assert names(run[2]) == ["acme.example.com", "ec.example.com", "rsa.example.com"]
    assert all(certificate["serial"] for certificate in run[2]["certificates"])
    assert details.calls() == {"acm:SearchCertificates": 1}

    assert [certificate["certificate_arn"] for certificate in run[3]["certificates"]] == arns
    assert run[3]["missing"] == [unknown]
    assert many.calls() == {"acm:SearchCertificates": 1}
    assert run[4]["missing"] == [unknown]
    assert gone.calls() == {"acm:DescribeCertificate": 2}

    assert [names(run[number]) for number in (5, 6, 7, 8)] == [
        ["rsa.example.com"],
        ["ec.example.com"],
        ["ec.example.com"],
        ["rsa.example.com"],
    ]


def test_listing_costs_one_call_per_thousand(standin: Standin) -> None:
    listed, searched = Tally(standin), Tally(standin)
    for tally in (listed, searched):
        standin.seed(1001, account=tally.account)
    run = run_playbook([listed.task(MODULE, {}), searched.task(MODULE, {"details": True})], {})
    assert [len(result["certificates"]) for result in run.results] == [1001, 1001]
    assert listed.calls() == {"acm:ListCertificates": 2}
    assert searched.calls() == {"acm:SearchCertificates": 3}


def test_region_of_the_arn_and_the_role_of_another_account(standin: Standin) -> None:
    here, there = Tally(standin), Tally(standin, "444455556666")
    virginia = here.certificate(region="us-east-1")
    other = there.certificate()
    standin.control("external_id", role_arn=ROLE, external_id="certops-external-id")
    defaults = {"group/certops.acm.aws": {"assume_role_arn": ROLE, "assume_role_external_id": "certops-external-id"}}
    run = run_playbook(
        [
            here.task(MODULE, {"certificate_arn": virginia}),
            here.task(MODULE, {"certificate_arn": virginia, "region": "us-east-1"}),
            here.task(MODULE, {"certificate_arn": virginia, "region": "eu-central-1"}),
            here.task(MODULE, {"certificate_arn": other}, module_defaults=defaults),
            here.task(MODULE, {"certificate_arn": other, "assume_role_arn": ROLE}),
            here.task(MODULE, {"certificate_arn": other, "assume_role_arn": "certops"}),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok", "ok", "failed", "ok", "failed", "failed"]
    assert_clear(
        run[2].msg,
        f"certificate {virginia} lives in us-east-1, this task asks eu-central-1: set region: us-east-1 or leave it",
    )
    assert run[3]["certificates"][0]["certificate_arn"] == other
    assert there.calls() == {"acm:DescribeCertificate": 1}
    assert_clear(run[4].msg, f"may not assume the role {ROLE}: allow sts:AssumeRole", "external id", "trust policy")
    assert_clear(run[5].msg, "assume_role_arn 'certops' is not the ARN of a role: expected arn:aws:iam::")


def test_what_is_wrong_is_said_with_the_remedy(standin: Standin) -> None:
    tally = Tally(standin)
    arn = tally.certificate()
    unknown = arn[:-4] + "0000"
    denied: dict[str, dict[str, Any]] = {
        "acm:DescribeCertificate": {"certificate_arn": arn},
        "acm:ListCertificates": {},
        "acm:SearchCertificates": {"details": True},
        "tag:GetResources": {"include_tags": True},
    }
    refused = []
    for action, options in denied.items():
        other = Tally(standin)
        other.certificate()
        standin.deny(action, account=other.account)
        refused.append(other.task(MODULE, options))
    throttled = Tally(standin)
    held = throttled.certificate()
    standin.throttle("acm:DescribeCertificate", 4, account=throttled.account)
    no_keys = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    run = run_playbook(
        [
            *refused,
            tally.task(MODULE, {"certificate_arn": unknown}),
            tally.task(MODULE, {"certificate_arn": "www.example.com"}),
            tally.task(MODULE, {"certificate_arn": arn}, environment=no_keys),
            tally.task(MODULE, {"certificate_arn": arn, "endpoint_url": "http://127.0.0.1:9"}),
            tally.task(MODULE, {"certificate_arn": arn, "endpoint_url": "nonsense"}),
            tally.task(
                MODULE, {"certificate_arn": arn, "profile": "nowhere"}, environment={**no_keys, "AWS_PROFILE": ""}
            ),
            throttled.task(MODULE, {"certificate_arn": held}),
        ],
        {},
        arguments=["-vvv"],
    )
    assert [result.outcome for result in run.results] == ["failed"] * 10 + ["ok"]
    for result, action in zip(run.results, denied):
        assert_clear(
            result.msg, "arn:aws:iam::", f"may not call {action}", f"allow {action} in the IAM policy (docs/iam.md)"
        )
        assert result["operation"] == action
    assert_clear(run[4].msg, f"no certificate {unknown} in this account", "check the ARN, or set assume_role_arn")
    assert_clear(run[5].msg, "'www.example.com' is not the ARN of an ACM certificate: expected arn:aws:acm:")
    assert_clear(run[6].msg, "no usable AWS credentials for acm", "set profile")
    assert_clear(run[7].msg, "cannot reach acm in eu-west-1", "127.0.0.1:9", "check the network")
    assert_clear(run[8].msg, "nonsense", "endpoint_url")
    assert_clear(run[9].msg, "profile (nowhere)", "check profile")
    assert "botocore" not in "".join(result.msg for result in run.results)
    assert throttled.calls() == {"acm:DescribeCertificate": 5}
