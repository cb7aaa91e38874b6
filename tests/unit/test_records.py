# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items of the table as anybody may have written them: what is malformed is named, and keeps nothing else back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.certops.acm.plugins.filter.deployment_plan import deployment_plan
from ansible_collections.certops.acm.plugins.filter.rollback_plan import rollback_plan
from ansible_collections.certops.acm.plugins.module_utils.deployment import STATUSES, Deployment
from ansible_collections.certops.acm.plugins.module_utils.inventory import Records
from ansible_collections.certops.acm.plugins.module_utils.text import has_template_marks

ACCOUNT = "111122223333"
ARN = f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
OTHER = ARN[:-2] + "99"
NOW = 1_795_000_000
TARGET: dict[str, Any] = {
    "pk": ARN,
    "sk": f"target#{ACCOUNT}#Role=web#nginx#shop",
    "certificate_name": "shop",
    "account": ACCOUNT,
    "tag_key": "Role",
    "tag_value": "web",
    "service": "nginx",
    "options": {"listeners": [{"port": 443}]},
}
DEPLOYMENT: dict[str, Any] = {
    "pk": ARN,
    "sk": "deployment#web1#nginx#shop",
    "certificate_name": "shop",
    "host": "web1",
    "account": ACCOUNT,
    "service": "nginx",
    "status": "verified",
    "fingerprint": "ab" * 32,
    "serial": "0a",
    "not_after": "2027-04-17T23:59:59Z",
    "at": "2026-10-02T00:00:00Z",
    "run_id": "awx job 7",
}
EXPORT: dict[str, Any] = {"pk": ARN, "sk": "export", "serial": "0a", "exported_at": "2026-10-02T00:00:00Z"}
HEALTHY: list[dict[str, Any]] = [
    {**TARGET, "pk": OTHER},
    {**DEPLOYMENT, "pk": OTHER},
    {**EXPORT, "pk": OTHER},
]
HOSTS = {"web1": {"ec2_tags": {"Role": "web"}, "certops_account": ACCOUNT}}


def certificate(arn: str) -> dict[str, Any]:
    return {
        "certificate_arn": arn,
        "account": ACCOUNT,
        "region": "eu-west-1",
        "domain_name": "shop.example.com",
        "names": ["shop.example.com"],
        "serial": "0b",
        "status": "ISSUED",
        "type": "AMAZON_ISSUED",
        "export_option": "ENABLED",
    }


def read(*items: Any) -> Records:
    return Records.from_items(items, NOW)


def without(item: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != name}


def plan(records: Records, **options: Any) -> dict[str, Any]:
    """The plan as a playbook makes it, from what the module returned as JSON."""
    known = json.loads(json.dumps(records.to_result()))
    certificates = [certificate(arn) for arn in (ARN, OTHER)]
    return deployment_plan(HOSTS, certificates=certificates, **{**without(known, "leases"), **options})


MALFORMED: list[tuple[str, dict[str, Any], str]] = [
    *((f"target without {name}", without(TARGET, name), f"{name} is missing") for name in
      ("certificate_name", "account", "tag_key", "tag_value", "service")),
    *((f"target with a {name} of {value!r:.30}", {**TARGET, name: value}, name) for name, value in (
        ("certificate_name", "../../etc"), ("certificate_name", 7), ("certificate_name", "x" * 65),
         ("certificate_name", []),
        ("account", 111122223333), ("account", "1111"), ("account", None), ("tag_key", {"a": 1}), ("tag_key", ""),
        ("tag_key", "k" * 129), ("tag_key", "{{ 1 }}"), ("tag_value", ["web"]), ("tag_value", "v" * 257),
        ("tag_value", "a\x1b[2J"), ("tag_value", "{% if 1 %}"), ("service", "nginx; reboot"), ("service", True),
        ("service", "../nginx"), ("service", "n" * 65), ("options", "text"), ("options", ["list"]), ("options", 1),
        ("options", {"a": {1, 2}}), ("options", {"a": b"bytes"}), ("options", {"a": float("inf")}), ("options",
         {1: "a"}),
        ("options", {"a": "x" * 200_000}), ("options", {"a": [[[[[[[[[["deep"]]]]]]]]]]}),
    )),
    ("target under another key", {**TARGET, "sk": TARGET["sk"] + "x"},
     "its fields belong to the key target#111122223333"),
    ("target of no certificate", {**TARGET, "pk": "shop"}, "is not the ARN of an ACM certificate"),
    ("target with a space behind its ARN", {**TARGET, "pk": ARN + " "}, "must be the ARN of a certificate"),
    ("target of a very long ARN", {**TARGET, "pk": ARN + "a" * 2000}, "must be the ARN of a certificate"),
    *((f"deployment without {name}", without(DEPLOYMENT, name), f"{name} is missing") for name in
      ("certificate_name", "host", "account", "service", "status")),
    *((f"deployment with a {name} of {value!r:.30}", {**DEPLOYMENT, name: value}, name) for name, value in (
        ("host", 5), ("host", "web1\nweb2"), ("host", "{{ lookup('pipe', 'id') }}"), ("host", "h" * 513),
         ("host", ""),
        ("status", "fine"), ("status", ["verified"]), ("fingerprint", "AB"), ("fingerprint", "a" * 65),
        ("fingerprint", 10), ("serial", "0x0a"), ("serial", {"a": "b"}), ("desired_serial", "g"), ("held_serial", 1),
        ("desired_fingerprint", "-"), ("previous_fingerprint", " "), ("options_digest", "{{"), ("not_after", "soon"),
        ("not_after", 1795000000), ("not_after", "2027-13-01T00:00:00Z"), ("at", "0001-01-01T00:00:00Z"),
         ("at", True),
        ("at", "9999-12-31T23:59:59-23:59"), ("run_id", "r" * 257), ("run_id", {"a": 1}), ("error", {"a": 1}),
        ("error", 5), ("account", "x"), ("service", "IIS"), ("certificate_name", "a/b"),
    )),
    ("deployment under another key", {**DEPLOYMENT, "host": "web2"}, "its fields belong to the key deployment#web2"),
    ("export without a serial", without(EXPORT, "serial"), "serial is missing"),
    ("export with another serial", {**EXPORT, "serial": ["0a"]}, "serial"),
    ("export at no time", {**EXPORT, "exported_at": "yesterday"}, "exported_at"),
    ("lease without an end", {"pk": ARN, "sk": "lease", "owner": "run 1", "fence": 3}, "cannot be read"),
    ("lease with an end that is no number", {"pk": ARN, "sk": "lease", "owner": "x", "leased_until": "soon"},
     "lease"),
    ("lease until the end of time", {"pk": ARN, "sk": "lease", "owner": "x", "fence": 1, "acquired_at": NOW,
     "ttl": 600,
                                     "leased_until": 10**40}, "lease"),
    ("record of no kind", {"pk": ARN, "sk": "targets#x"}, "is of no kind that is known"),
    ("record without a sort key", {"pk": ARN}, "sk is missing"),
    ("record with a number as sort key", {"pk": ARN, "sk": 5}, "no kind"),
    ("record without anything", {}, "pk, sk are missing"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "says"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED])
def test_what_is_malformed_is_named_and_keeps_nothing_else_back(item: dict[str, Any], says: str) -> None:
    records = read(item, *HEALTHY)
    (problem,) = records.problems
    assert says in problem.msg
    assert ": " in problem.msg, "the remedy is last"
    assert problem.msg.isprintable() and len(problem.msg) < 1200 and not has_template_marks(problem.msg)
    assert [target.certificate_arn for target in records.targets] == [OTHER]
    made = plan(records)
    assert [rollout["certificate_arn"] for rollout in made["rollouts"]] == [OTHER], "the other certificate goes out"
    assert problem.msg in made["problems"], "and the run fails at its end"


def test_a_healthy_table_has_no_problem() -> None:
    records = read(TARGET, DEPLOYMENT, EXPORT, *HEALTHY)
    assert records.problems == []
    assert len(records.targets) == len(records.deployments) == len(records.exports) == 2


def test_a_deployment_that_cannot_be_read_counts_as_none() -> None:
    """Its host is taken again, which writes the record anew, under the same key."""
    records = read(TARGET, {**DEPLOYMENT, "status": "fine"})
    (rollout,) = plan(records)["rollouts"]
    assert [item["reason"] for item in rollout["installations"]] == ["first deployment"]
    assert "the host counts as one without a record" in records.problems[0].msg


def test_what_a_server_printed_is_shown_without_what_moves_a_cursor() -> None:
    (deployment,) = read({**DEPLOYMENT, "status": "failed", "error": "\x1b[2Jnginx\nfailed" + "x" * 2000}).deployments
    assert deployment.error is not None
    assert deployment.error.startswith("?[2Jnginx?failed") and len(deployment.error) == 1000


def test_who_deploys_what_is_malformed_gets_it() -> None:
    """certops.acm.deploy writes the target anew: what was wrong with it is no problem any more, nor are others'."""
    records = read({**TARGET, "options": "text"}, {**DEPLOYMENT, "status": "fine"})
    asked = {name: value for name, value in {**TARGET, "certificate_arn": ARN}.items() if name not in ("pk", "sk")}
    made = plan(records, targets=[asked], allow_lost=True)
    assert made["problems"] == []
    assert [item["host"] for item in made["rollouts"][0]["installations"]] == ["web1"]
    (told,) = [said for said in made["warnings"] if "cannot be used" in said]
    assert "deployment#web1" in told


def test_a_certificate_whose_only_target_cannot_be_read_was_deployed() -> None:
    assert plan(read({**TARGET, "account": None}))["targets"] == 1, "renew must not say that it never was"


def test_of_thousands_a_part_is_told_and_targets_first() -> None:
    junk = [{"pk": ARN, "sk": f"x{number}"} for number in range(3000)]
    records = read(*junk, {**TARGET, "account": None}, *HEALTHY)
    assert len(records.problems) == 3001
    made = plan(records)
    assert len(made["problems"]) == 51 and len(made["rollouts"]) == 1
    assert "account is missing" in made["problems"][0] and made["problems"][-1].startswith("2951 more records")


def test_the_way_back_names_what_is_malformed_and_takes_the_rest_back() -> None:
    second = {**DEPLOYMENT, "sk": "deployment#web1#nginx#other", "certificate_name": "other"}
    its_target = {**TARGET, "sk": f"target#{ACCOUNT}#Role=web#nginx#other", "certificate_name": "other"}
    gopher = {**TARGET, "sk": f"target#{ACCOUNT}#Role=web#gopher#shop", "service": "gopher"}
    its_host = {**DEPLOYMENT, "sk": "deployment#web1#gopher#shop", "service": "gopher"}
    records = read({**TARGET, "options": 1}, DEPLOYMENT, its_target, second, gopher, its_host)
    known = json.loads(json.dumps(records.to_result()))
    made = rollback_plan(HOSTS, targets=known["targets"], deployments=known["deployments"], problems=known["problems"])
    (rollout,) = made["rollouts"]
    assert [item["certificate_name"] for item in rollout["installations"]] == ["other"]
    assert len(made["problems"]) == 2, made["problems"]
    assert "cannot be used" in made["problems"][0] and "no target is recorded" in made["problems"][1]


# --- anything at all ----------------------------------------------------------------------------------------


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(
    [TARGET, DEPLOYMENT, EXPORT, {"pk": ARN, "sk": "lease", "owner": "x", "leased_until": NOW + 60}]
)


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    """An item of some kind, some of whose fields are anything or missing."""
    item = dict(draw(KINDS))
    for name in draw(st.lists(st.sampled_from(sorted({*TARGET, *DEPLOYMENT, *EXPORT, "x"})), max_size=3)):
        if draw(st.booleans()):
            item[name] = draw(JSON)
        else:
            item.pop(name, None)
    return item


@settings(max_examples=400, deadline=None)
@given(st.lists(items() | st.dictionaries(st.sampled_from(["pk", "sk", "a"]), JSON), max_size=4))
def test_nothing_in_the_table_raises_an_error(found: list[dict[str, Any]]) -> None:
    records = read(*found, *HEALTHY)
    for target in records.targets:
        target.validate()
    for deployment in records.deployments:
        assert deployment.status in STATUSES
        assert Deployment.from_item(deployment.to_item()) == deployment
    made = plan(records)
    assert OTHER in [rollout["certificate_arn"] for rollout in made["rollouts"]]
    known = json.loads(json.dumps(records.to_result()))
    assert len(known["problems"]) >= len(found) + 3 - sum(
        len(known[kind]) for kind in without(known, "problems")
    ) - sum(item.get("sk") == "lease" for item in found)
    rollback_plan(HOSTS, targets=known["targets"], deployments=known["deployments"], problems=known["problems"])
