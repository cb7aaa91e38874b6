# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped host inventory, read as a playbook reads it: what hosts are called, and where they are looked for."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from integration.playbook import run_playbook

from standin.accounts import DEFAULT_REGION
from standin.client import Standin

FILE = Path(__file__).resolve().parents[2] / "inventory" / "aws_ec2.yml"
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


def run_instance(standin: Standin, name: str = "", region: str = DEFAULT_REGION) -> str:
    """Run an instance, with a tag Name if one is given; its id."""
    pairs = [{"Key": "Role", "Value": "web"}, *([{"Key": "Name", "Value": name}] if name else [])]
    ec2 = standin.client("ec2", region=region)
    tags = [{"ResourceType": "instance", "Tags": pairs}]
    made = ec2.run_instances(ImageId="ami-03cf127a", MinCount=1, MaxCount=1, TagSpecifications=tags)
    return str(made["Instances"][0]["InstanceId"])


def listed(standin: Standin, without: Collection[str] = ()) -> tuple[set[str], str]:
    """Hosts of the inventory, and all that was printed; without some variables of the environment."""
    environment = {name: value for name, value in standin.env.items() if name not in without}
    run = run_playbook([{"ansible.builtin.debug": {"var": "groups.all"}}], environment, inventory=FILE)
    return set(run[0]["groups.all"]), run.output


def test_every_instance_is_a_host_of_its_own(standin: Standin) -> None:
    one, other = run_instance(standin, "shop-asg"), run_instance(standin, "shop-asg")
    nameless = run_instance(standin)
    assert listed(standin)[0] == {f"shop-asg_{one}", f"shop-asg_{other}", nameless}


@pytest.mark.parametrize("without", [(), REGIONS[:1], REGIONS[1:]])
def test_the_region_is_that_of_the_environment(standin: Standin, without: tuple[str, ...]) -> None:
    run_instance(standin, "far", region="us-east-1")
    here = run_instance(standin, "near")
    assert listed(standin, without)[0] == {f"near_{here}"}


def test_a_missing_region_is_said(standin: Standin) -> None:
    run_instance(standin, "far", region="us-east-1")
    hosts, said = listed(standin, REGIONS)
    assert hosts == set()
    assert "no region: set AWS_REGION, or list your regions in the inventory file" in " ".join(said.split())
    assert standin.counts().get("ec2:DescribeRegions", 0) == 0
