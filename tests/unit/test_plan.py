# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: what is desired, what ACM holds and what hosts have, as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.certops.acm.plugins.filter.renewal_alarms import renewal_alarms
from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate
from ansible_collections.certops.acm.plugins.module_utils.deployment import Deployment
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.plan import Desired, Plan, make_plan
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.module_utils.waves import Host, wave_sizes

ACCOUNT = "111122223333"
ARN = f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
OTHER = ARN[:-2] + "99"
TARGET = Target(ARN, "shop", ACCOUNT, "Role", "web", "nginx")
CERTIFICATE = Certificate.from_result(
    {
        "certificate_arn": ARN,
        "account": ACCOUNT,
        "region": "eu-west-1",
        "domain_name": "shop.example.com",
        "names": ["shop.example.com"],
        "serial": "0b",
        "status": "ISSUED",
        "type": "AMAZON_ISSUED",
        "export_option": "ENABLED",
        "exported": True,
        "key_pair_origin": "AWS_MANAGED",
        "renewal_eligibility": "ELIGIBLE",
        "not_before": "2026-10-02T00:00:00Z",
        "not_after": "2027-04-17T23:59:59Z",
        "created_at": "2026-10-02T00:00:00Z",
    }
)


def web(number: int, **fields: Any) -> Host:
    return Host(**{"name": f"web{number:02}", "tags": {"Role": "web"}, "account": ACCOUNT, **fields})


def served(host: str, status: str = "verified", **fields: Any) -> Deployment:
    options: dict[str, Any] = {"serial": "0b", "options_digest": TARGET.options_digest, **fields}
    return Deployment(ARN, "shop", host, ACCOUNT, "nginx", status, **options)


def plan(
    hosts: list[Host],
    deployments: list[Deployment] | None = None,
    *,
    certificate: Certificate = CERTIFICATE,
    exported: str | None = "0b",
    **options: Any,
) -> Plan:
    desired = Desired([TARGET], [certificate], {ARN: exported} if exported else {})
    return make_plan(desired, deployments or [], hosts, **options)


def chosen(made: Plan) -> list[str]:
    return [item.host for rollout in made.rollouts for item in rollout.items]


@pytest.mark.parametrize(
    ("deployment", "reason"),
    [
        (None, "first deployment"),
        (served("web01", serial="0a"), "serial 0a is not the current 0b"),
        (served("web01", serial=None), "serial unknown is not the current 0b"),
        (served("web01", "rolled_back"), "last attempt: rolled_back"),
        (served("web01", "failed"), "last attempt: failed"),
        (served("web01", "unreachable"), "last attempt: unreachable"),
        (served("web01", options_digest="other"), "options of the target changed"),
    ],
)
def test_a_host_that_differs_is_taken(deployment: Deployment | None, reason: str) -> None:
    made = plan([web(1)], [deployment] if deployment else [])
    assert [item.reason for item in made.rollouts[0].items] == [reason]


def test_nothing_differs_nothing_goes_out() -> None:
    made = plan([web(1), web(2)], [served("web01"), served("web02", "installed")])
    assert (made.rollouts, made.up_to_date) == ((), 2)


def test_a_certificate_not_exported_since_its_renewal_goes_out_without_hosts() -> None:
    made = plan([], exported="0a")
    assert [rollout.items for rollout in made.rollouts] == [()]
    assert "no host carries the tag Role=web" in made.warnings[0]
    assert made.unmatched[0][0] == TARGET


@pytest.mark.parametrize(
    "host",
    [
        web(1, tags={"Role": "db"}),
        web(1, tags={}),
        web(1, tags={"role": "web"}),
        web(1, account="444455556666"),
        web(1, account=None),
    ],
)
def test_only_tag_and_account_choose(host: Host) -> None:
    assert chosen(plan([host, web(2)])) == ["web02"]


def test_a_tagged_host_without_account_is_named() -> None:
    assert plan([web(1, account=None), web(2)]).warnings == (
        "web01 carries the tag Role=web but no account: set certops_account on it",
    )


@pytest.mark.parametrize(
    ("total", "sizes", "expected"),
    [
        (0, [1, "25%", "100%"], [0, 0, 0]),
        (1, [1, "25%", "100%"], [1, 0, 0]),
        (2, [1, "25%", "100%"], [1, 1, 0]),
        (10, [1, "25%", "100%"], [1, 2, 7]),
        (100, [1, "25%", "100%"], [1, 25, 74]),
        (10, [2], [10]),
        (10, ["50%", 1], [5, 5]),
    ],
)
def test_wave_sizes(total: int, sizes: list[int | str], expected: list[int]) -> None:
    assert wave_sizes(total, sizes) == expected


@pytest.mark.parametrize("sizes", [[], [1, 1, 1, 1], [0], ["0%"], ["101%"], ["x"], [-1], ["1.5"]])
def test_impossible_waves_are_refused(sizes: list[int | str]) -> None:
    with pytest.raises(PlanError):
        wave_sizes(10, sizes)


def test_a_host_that_failed_before_goes_last() -> None:
    made = plan([web(n) for n in range(1, 6)], [served("web01", "rolled_back", serial="0a")])
    waves = {item.host: item.wave for item in made.rollouts[0].items}
    assert waves == {"web02": 1, "web03": 2, "web04": 3, "web05": 3, "web01": 3}


def test_a_certificate_that_cannot_be_exported_keeps_no_other_back() -> None:
    expired = replace(CERTIFICATE, arn=OTHER, status="EXPIRED")
    desired = Desired([TARGET, replace(TARGET, certificate_arn=OTHER)], [CERTIFICATE, expired])
    made = make_plan(desired, [], [web(1)])
    assert chosen(made) == ["web01"]
    assert len(made.problems) == 1 and OTHER in made.problems[0]


def test_a_certificate_acm_does_not_hold_is_a_problem() -> None:
    made = make_plan(Desired([TARGET], []), [], [web(1)])
    assert made.rollouts == () and "does not hold" in made.problems[0]


def test_what_is_asked_now_overrides_what_was_recorded() -> None:
    recorded = replace(TARGET, options={"config": "none"})
    made = make_plan(Desired([TARGET, recorded], [CERTIFICATE]), [], [web(1)])
    assert [dict(item.options) for item in made.rollouts[0].items] == [{}]


def test_an_unknown_service_is_a_problem_and_takes_no_host() -> None:
    made = make_plan(Desired([replace(TARGET, service="gopher")], [CERTIFICATE]), [], [web(1)])
    assert chosen(made) == []
    assert made.problems == (
        "service gopher is not known: choose one of nginx, apache, haproxy, postfix, dovecot, iis, file",
    )


def test_a_name_belongs_to_one_service_and_one_certificate_on_a_host() -> None:
    mail = replace(TARGET, service="postfix")
    other = replace(TARGET, certificate_arn=OTHER)
    held = [CERTIFICATE, replace(CERTIFICATE, arn=OTHER)]
    for second in (mail, other):
        made = make_plan(Desired([TARGET, second], held), [], [web(1)])
        assert chosen(made) == ["web01"]
        assert len(made.problems) == 1 and "would share the name shop on web01" in made.problems[0]
    twice = replace(TARGET, tag_key="Site", tag_value="shop")
    both = replace(web(1), tags={"Role": "web", "Site": "shop"})
    made = make_plan(Desired([TARGET, twice], held), [], [both])
    assert (chosen(made), made.problems) == (["web01"], ())


def test_redeploy_takes_what_is_up_to_date() -> None:
    assert chosen(plan([web(1)], [served("web01")], redeploy=True)) == ["web01"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"renewal_eligibility": "INELIGIBLE"}, "will not renew shop.example.com"),
        (
            {"renewal_status": "PENDING_VALIDATION", "renewal_status_reason": "CAA_ERROR"},
            "before it renews it (CAA_ERROR), it expires on 2027-04-17: create the CNAME",
        ),
        ({"renewal_status": "FAILED", "renewal_eligibility": "INELIGIBLE"}, "could not renew shop.example.com"),
    ],
)
def test_what_keeps_acm_from_renewing_is_an_alarm(fields: dict[str, Any], said: str) -> None:
    made = plan([web(1)], [served("web01")], certificate=replace(CERTIFICATE, **fields))
    (alarm,) = made.alarms
    assert said in alarm and ARN in alarm
    assert made.to_result()["alarms"] == [alarm]
    exports = [{"certificate_arn": ARN, "serial": "0b"}]
    assert renewal_alarms([replace(CERTIFICATE, **fields).to_result()], exports=exports) == [alarm]


@pytest.mark.parametrize("status", [None, "SUCCESS", "PENDING_AUTO_RENEWAL"])
def test_a_renewal_that_needs_nobody_is_no_alarm(status: str | None) -> None:
    assert plan([web(1)], [served("web01")], certificate=replace(CERTIFICATE, renewal_status=status)).alarms == ()


def test_not_exported_yet_is_mended_and_no_alarm() -> None:
    fresh = replace(CERTIFICATE, renewal_eligibility="INELIGIBLE")
    assert plan([web(1)], certificate=fresh, exported=None).alarms == ()
    assert renewal_alarms([fresh.to_result()], exports=[{"certificate_arn": ARN, "serial": "0a"}]) == []


def test_tags_of_the_secret_are_those_of_the_targets() -> None:
    targets = [TARGET, replace(TARGET, tag_value="edge"), replace(TARGET, tag_key="Team", tag_value="a")]
    made = make_plan(Desired(targets, [CERTIFICATE]), [], [])
    assert made.rollouts[0].to_result()["export"]["secret_tags"] == {"Role": "edge web", "Team": "a"}


# --- hosts that the host inventory does not list -----------------------------------------------------------


FAILED = f"no host carries the tag Role=web in account 111122223333, yet shop ({ARN}) is outdated on "
OLD = served("web01", serial="0a")


@pytest.mark.parametrize(
    ("hosts", "recorded", "problem", "warned"),
    [
        ([], [OLD, served("web02", serial="0a")], "web01, web02:", None),
        ([], [OLD, served("web02")], "web01:", None),
        ([], [served("web01", "rolled_back", serial="0a")], "web01:", None),
        ([web(1, tags={})], [OLD], "web01:", None),
        ([web(1, account=None)], [OLD], "web01:", "no account"),
        ([web(2)], [OLD, served("web02")], None, "is outdated on web01, which"),
        ([web(3)], [OLD], None, "is outdated on web01, which"),
        ([], [served("web01")], None, "no host carries the tag"),
        ([], [], None, "no host carries the tag"),
        ([], [served("web01", serial="0a", held_serial="0b")], None, "no host carries the tag"),
        ([web(2)], [served("web01", serial="0a", held_serial="0b"), served("web02")], None, None),
        ([web(2)], [replace(OLD, certificate_name="removed"), served("web02")], None, None),
        ([web(1)], [OLD], None, None),
    ],
)
def test_hosts_that_cannot_be_renewed_are_told_of(
    hosts: list[Host], recorded: list[Deployment], problem: str | None, warned: str | None
) -> None:
    made = plan(hosts, recorded)
    assert [said.startswith(f"{FAILED}{problem}") for said in made.problems] == [True] * bool(problem)
    assert [warned in said for said in made.warnings if warned] == [True] * bool(warned), made.warnings
    assert len(made.warnings) == bool(warned), made.warnings


def test_nothing_is_exported_for_hosts_that_are_not_there() -> None:
    assert plan([], [OLD], exported="0a").rollouts == ()
    assert (
        plan([], [OLD], exported="0a", certificate=replace(CERTIFICATE, renewal_eligibility="INELIGIBLE")).alarms == ()
    )
    edge = replace(TARGET, tag_value="edge")
    made = make_plan(Desired([TARGET, edge], [CERTIFICATE]), [OLD], [web(2, tags={"Role": "edge"})])
    assert chosen(made) == ["web02"], "another target's host needs it"
    assert made.problems == (), "a target without a host, as in blue and green, while another of its name has some"
    assert any("is outdated on web01, which" in warning for warning in made.warnings)
    blue = make_plan(Desired([TARGET, edge], [CERTIFICATE]), [OLD], [])
    assert len(blue.problems) == 1 and "Role=web" in blue.problems[0] and "Role=edge" in blue.problems[0]


def test_a_host_inventory_that_failed_is_one_problem_of_all_certificates() -> None:
    targets = [TARGET, replace(TARGET, certificate_arn=OTHER, certificate_name="api")]
    held = [CERTIFICATE, replace(CERTIFICATE, arn=OTHER)]
    recorded = [OLD, *(replace(OLD, certificate_arn=OTHER, certificate_name="api", host=f"h{n:02}") for n in range(12))]
    (problem,) = make_plan(Desired(targets, held), recorded, []).problems
    assert "is outdated on web01; api" in problem and "h09, 2 more:" in problem
    assert "allow ec2:DescribeInstances" in problem and "certops.acm.forget" in problem


def test_hosts_outside_of_the_limit_are_not_missing() -> None:
    hosts, recorded = [web(1), web(2)], [OLD, served("web02", serial="0a")]
    made = plan(hosts, recorded, limit=["web02"])
    assert (chosen(made), made.problems, made.warnings) == (["web02"], (), ())
    assert len(plan([], recorded, limit=["web02"]).problems) == 1, "a limit hides no host inventory that failed"
    db = [web(3, tags={"Role": "db"})]
    scaled = plan(db, recorded, limit=["web03"])
    assert (scaled.problems, scaled.rollouts) == ((), ()), "who limits a run asks for nothing else"
    assert any("is outdated on web01" in warning for warning in scaled.warnings)


def test_a_limit_that_leaves_no_host_is_a_problem() -> None:
    made = plan([web(1), web(2)], [OLD], limit=["web"])
    assert (chosen(made), made.rollouts, made.unmatched) == ([], (), ()), "the tag is not to blame"
    (problem,) = made.problems
    assert "certops_limit chooses no host" in problem and "such as web01" in problem
    edge = replace(TARGET, tag_value="edge")
    both = make_plan(
        Desired([edge, TARGET], [CERTIFICATE]), [], [web(1), web(2, tags={"Role": "edge"})], limit=["web02"]
    )
    assert (chosen(both), both.problems, both.warnings) == (["web02"], (), ()), "one target has it"
    assert both.unmatched[0][0] == TARGET and "certops_limit leaves out" in both.unmatched[0][1], "deploy refuses that"
    event = plan([web(1), web(2, tags={"Role": "edge"})], [OLD], limit=["web02"])
    assert (event.rollouts, event.problems) == ((), ()), "an event for hosts outside of a standing limit"
    assert "certops_limit leaves out every host" in event.warnings[0]


def test_who_asks_for_one_target_gets_it_whatever_the_others_lost() -> None:
    edge = replace(TARGET, tag_value="edge")
    made = make_plan(Desired([edge, TARGET], [CERTIFICATE]), [OLD], [web(2, tags={"Role": "edge"})], allow_lost=True)
    assert (chosen(made), made.problems) == (["web02"], ())
    assert any("is outdated on web01, which" in warning for warning in made.warnings)
