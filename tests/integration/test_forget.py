# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook forget: what is gone for good is removed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from boto3.dynamodb.types import TypeSerializer
from integration.playbook import PlaybookRun, run_playbook
from lab import TABLE

from ansible_collections.certops.acm.plugins.module_utils.deployment import Deployment
from ansible_collections.certops.acm.plugins.module_utils.inventory_table import TableOptions, ensure_table
from standin.client import Standin

ACCOUNT = "111122223333"
SHOP = f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
API = SHOP[:-2] + "99"


@pytest.fixture
def recorded(standin: Standin) -> Standin:
    """Of shop web1 is listed, gone and held are not; api has one host, which is not listed."""
    table = standin.client("dynamodb")
    ensure_table(table, TABLE, TableOptions())
    for arn, host, held in ((SHOP, "web1", None), (SHOP, "gone", None), (SHOP, "held", "0b"), (API, "away", None)):
        one = Deployment(arn, "site", host, ACCOUNT, "nginx", "verified", serial="0a", held_serial=held)
        table.put_item(TableName=TABLE, Item=TypeSerializer().serialize(one.to_item())["M"])
    return standin


def forget(standin: Standin, directory: Path, *arguments: str) -> PlaybookRun:
    listed = directory / "hosts.yml"
    listed.write_text("all: {hosts: {web1: {}}}")
    return run_playbook(None, standin.env, playbook="certops.acm.forget", inventory=listed, arguments=arguments)


def left(standin: Standin) -> set[str]:
    return {item["host"]["S"] for item in standin.client("dynamodb").scan(TableName=TABLE)["Items"]}


def test_what_is_not_listed_is_forgotten_but_for_what_was_rolled_back(recorded: Standin, tmp_path: Path) -> None:
    unlisted = ("-e", "certops_unlisted=true", "-e", f"certificate_arn={SHOP}")
    assert forget(recorded, tmp_path, "--check", *unlisted).returncode == 0
    assert left(recorded) == {"web1", "gone", "held", "away"}, "check mode removes nothing"
    run = forget(recorded, tmp_path, *unlisted)
    assert run.returncode == 0, run.output
    assert left(recorded) == {"web1", "held", "away"}


def test_a_certificate_without_any_listed_host_is_suspicious(recorded: Standin, tmp_path: Path) -> None:
    run = forget(recorded, tmp_path, "-e", "certops_unlisted=true")
    assert run.returncode != 0
    assert f"recorded for {API}, so it may have failed" in run.output and SHOP not in run.output
    assert left(recorded) == {"web1", "gone", "held", "away"}


def test_who_is_named_is_forgotten(recorded: Standin, tmp_path: Path) -> None:
    run = forget(recorded, tmp_path, "-e", "certops_hosts=held,away")
    assert run.returncode == 0, run.output
    assert left(recorded) == {"web1", "gone"}
