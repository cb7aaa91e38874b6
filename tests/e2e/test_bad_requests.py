# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input: one clear message, every host serves what it served, no record is lost or replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from e2e.site import NAME, records, refused, served, targets
from lab import Lab
from unit.certificates import make_root


def expired_one(lab: Lab) -> str:
    arn = lab.aws.request(NAME)
    lab.aws.expire(arn)
    return arn


def imported_one(lab: Lab) -> str:
    leaf = make_root().leaf((NAME,))
    answer = lab.aws.client("acm").import_certificate(Certificate=leaf.certificate, PrivateKey=leaf.private_key)
    return str(answer["CertificateArn"])


def state(lab: Lab) -> tuple[dict[str, Any], ...]:
    """What is served, what is known of it, and what is meant to be."""
    return served(lab), records(lab), targets(lab)


CERTIFICATES: dict[str, tuple[Callable[[Lab], str], str]] = {
    "unknown": (lambda lab: lab.arn[:-4] + "0000", "no certificate|does not hold"),
    "not an ARN": (lambda lab: "shop", "is not the ARN of an ACM certificate"),
    "pending": (lambda lab: lab.aws.request(NAME, issue=False), "validation"),
    "not exportable": (lambda lab: lab.aws.request(NAME, export=False), "(?i)export"),
    "too old": (
        lambda lab: lab.aws.request(NAME, export=False, created_at="2025-06-01T00:00:00Z"),
        "2025-06-17",
    ),
    "made by ACME": (lambda lab: lab.aws.request(NAME, key_pair_origin="ACME"), "ACME"),
    "expired": (expired_one, "(?i)expired"),
    "imported": (imported_one, "was imported"),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_a_certificate_that_cannot_be_deployed(site: Lab, case: str) -> None:
    make, phrase = CERTIFICATES[case]
    before = state(site)
    run = site.deploy(make(site), "shop")
    refused(site, run, phrase)
    assert set(run.sessions.values()) == {0}, "no host was touched"
    assert state(site) == before


@pytest.mark.parametrize(
    ("variables", "phrase"),
    [
        ({"target_tag_value": ""}, "target_tag_value is missing"),
        ({"target_tag_value": "nobody"}, "no host carries the tag Role=nobody"),
        ({"target_account": "999999999999"}, "no host carries the tag Role=web in account 999999999999"),
        ({"service": "gopher"}, "service"),
        ({"certificate_name": "../etc"}, "certificate_name"),
        ({"certificate_options": {"confg": "snippet"}}, "confg, which service nginx does not know"),
        ({"certificate_options": {"config": "siet"}}, "config must be one of: site, snippet, none, got: siet"),
        ({"certificate_options": '{"config": "snippet"}'}, "certificate_options is no dictionary but .*: give it"),
        ({"certops_waves": ["0%"]}, "wave"),
        ({"certops_inventory_table": "nowhere"}, "nowhere.*certops.acm.setup_aws"),
    ],
)
def test_a_request_that_makes_no_sense(site: Lab, variables: dict[str, Any], phrase: str) -> None:
    before = state(site)
    run = site.deploy(site.arn, variables.pop("certificate_name", "shop"), certops_redeploy=True, **variables)
    refused(site, run, phrase)
    assert state(site) == before


def test_the_certificate_of_another_region(site: Lab) -> None:
    """The ARN says where it lives; AWS_REGION need not."""
    arn = site.aws.request("us.example.com", region="us-east-1")
    run = site.deploy(arn, "us")
    assert run.returncode == 0, run.output
    assert site.served("web1", "us.example.com").fingerprint == site.fingerprint(arn)


def test_a_certificate_nobody_deployed(site: Lab) -> None:
    arn = site.aws.request("new.example.com")
    refused(site, site.playbook("certops.acm.renew", {"certificate_arn": arn}), "no target is recorded")
    event = [event for event in site.aws.events() if event["resources"] == [arn]][-1]
    run = site.playbook("certops.acm.renew", {"acm_event": event})
    assert run.returncode == 0, "an event for a certificate of somebody else is no failure"
