# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IIS through the playbooks, as any other service: waves, records, report, rollback; and where secrets are not."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from e2e.leaks import Seen, holds, needles, watched
from integration.playbook import PlaybookRun, run_playbook
from lab import TABLE
from unit.certificates import make_root

from standin.client import DEFAULT_ACCOUNT, Standin
from windows_simulation import state
from windows_simulation.bundles import bundle
from windows_simulation.fleet import SimulatedHost, environment, fleet

NAMES = ("web1", "web2", "web3")
AWAY = {"kind": "away", "module": "microsoft.iis.website", "skip": 0, "times": 9999}


class Windows:
    """Three hosts with IIS and a stand-in for AWS."""

    def __init__(self, directory: Path, inventory: Path, aws: Standin) -> None:
        self.directory, self.inventory, self.aws = directory, inventory, aws

    def playbook(
        self, name: str, *arguments: str, env: Mapping[str, str] | None = None, **variables: Any
    ) -> PlaybookRun:
        return run_playbook(
            None,
            {**environment(), **self.aws.env, **(env or {})},
            playbook=name,
            inventory=self.inventory,
            extra_vars=variables,
            arguments=arguments,
        )

    def bound(self) -> dict[str, str]:
        """Which certificate IIS shows, by host."""
        found = {}
        for name in NAMES:
            held = state.read(self.directory / f"{name}.json")
            served = held["http_sys"]["shop.example.com:8443"]
            entry = next(one for one in held["stores"][served["store"]] if one["thumbprint"] == served["thumbprint"])
            leaf = x509.load_pem_x509_certificate(entry["pem"].encode())
            found[name] = leaf.fingerprint(hashes.SHA256()).hex()
        return found

    def records(self) -> dict[str, dict[str, str]]:
        items = self.aws.client("dynamodb").scan(TableName=TABLE)["Items"]
        plain = [{name: next(iter(value.values())) for name, value in item.items()} for item in items]
        return {item["host"]: item for item in plain if item["sk"].startswith("deployment#")}

    def held(self, arn: str) -> str:
        """Fingerprint of what ACM holds."""
        return str(self.aws.certificate(arn)["leaves"][-1]["fingerprint"])

    def calls(self) -> int:
        return sum(len((self.directory / f"{name}.calls").read_text().splitlines()) for name in NAMES)

    def break_host(self, *faults: dict[str, Any]) -> None:
        with state.opened(self.directory / "web3.json") as held:
            held["faults"] = list(faults)


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[Windows]:
    directory = tmp_path / "hosts"
    with Standin() as aws, fleet(directory, [SimulatedHost(name, "") for name in NAMES]) as inventory:
        listed = json.loads(inventory.read_text())
        old = make_root("Other Root").intermediate("Other Intermediate").leaf(("shop.example.com",))
        for name, variables in listed["windows"]["hosts"].items():
            variables.update(ec2_tags={"Role": "web"}, certops_account=DEFAULT_ACCOUNT)
            with state.opened(directory / f"{name}.json") as held:
                bind(held, old)
        inventory.write_text(json.dumps(listed))
        yield Windows(directory, inventory, aws)


def bind(held: dict[str, Any], leaf: Any) -> None:
    """Give a host a site with a certificate of somebody else."""
    made = bundle(leaf, ("shop.example.com",))
    entry = {"thumbprint": made["thumbprint"], "pem": leaf.certificate, "key": 0, "friendly_name": "theirs"}
    held["keys"].append({"thumbprint": made["thumbprint"], "machine": True, "user": "SYSTEM", "pem": leaf.private_key})
    held["stores"]["My"].append(entry)
    held["sites"].append(state.site("shop", [state.binding(8443, "shop.example.com", flags=1)]))
    held["http_sys"]["shop.example.com:8443"] = {"thumbprint": made["thumbprint"], "store": "My"}


def test_deploy_renew_repeat_roll_back(windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = tmp_path / "controller"
    controller.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(controller))
    loud = {"TMPDIR": str(controller), "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log")}
    in_json = {**loud, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    theirs = windows.bound()["web1"]
    arn = windows.aws.request("shop.example.com")
    ours = {"certificate_arn": arn, "certificate_name": "shop", "service": "iis"}
    target = {"target_tag_key": "Role", "target_tag_value": "web", "target_account": DEFAULT_ACCOUNT}
    thumbprint = state.read(windows.directory / "web1.json")["stores"]["My"][0]["thumbprint"]
    options = {"replaces": [thumbprint], "handshake_timeout": 1, "reconnect_timeout": 1}
    assert windows.playbook("certops.acm.setup_aws").returncode == 0

    with watched([controller]) as seen:
        windows.break_host(AWAY)
        first = windows.playbook("certops.acm.deploy", "-vvvv", env=loud, certificate_options=options, **ours, **target)
        one = windows.held(arn)
        assert first.returncode != 0, first.output[-3000:]
        assert "Traceback" not in first.output
        assert windows.bound() == {"web1": one, "web2": one, "web3": theirs}
        records = windows.records()
        assert {name: record["status"] for name, record in records.items()} == {
            "web1": "verified", "web2": "verified", "web3": "unreachable"}  # fmt: skip
        assert [records[name].get("fingerprint") for name in NAMES] == [one, one, None]
        assert "could not be put back" in records["web3"]["error"]

        windows.break_host()
        windows.aws.renew(arn)
        two = windows.held(arn)
        renewed = windows.playbook("certops.acm.renew", "-vvvv", "--diff", env=in_json)
        assert renewed.returncode == 0, renewed.output[-3000:]
        assert windows.bound() == dict.fromkeys(NAMES, two)
        assert {record["status"] for record in windows.records().values()} == {"verified"}
        assert windows.records()["web1"]["previous_fingerprint"] == one
    check_secrets(windows, arn, [first, renewed], tmp_path / "ansible.log", seen)

    windows.aws.renew(arn)
    windows.break_host({"kind": "frozen", "http_sys": state.read(windows.directory / "web3.json")["http_sys"]})
    failed = windows.playbook("certops.acm.renew", certops_waves=["100%"])
    three = windows.held(arn)
    assert failed.returncode != 0
    assert windows.bound() == {"web1": three, "web2": three, "web3": two}
    assert windows.records()["web3"]["status"] == "rolled_back"
    assert windows.records()["web3"]["fingerprint"] == two

    windows.break_host()
    back = windows.playbook("certops.acm.rollback", certificate_arn=arn, certops_limit="web1,web2")
    assert back.returncode == 0, back.output[-3000:]
    assert windows.bound() == {"web1": two, "web2": two, "web3": two}
    report = windows.playbook("certops.acm.report").output
    assert report.count("verified (held)") == 2
    assert "iis" in report


def check_secrets(windows: Windows, arn: str, runs: list[PlaybookRun], log: Path, seen: Seen) -> None:
    """No key, passphrase, password or PFX is in any output, file of the controller, or argument of a process."""
    secrets = needles(windows.aws, arn)
    passwords = {line for name in NAMES for line in (windows.directory / f"{name}.secrets").read_text().splitlines()}
    assert len(passwords) == 6, "each host of each run has a password of its own"
    secrets += [password.encode() for password in passwords]
    sent = [json.loads(line) for name in NAMES for line in (windows.directory / f"{name}.calls").open()]
    files = [base64.b64decode(call["content"]) for call in sent if call["module"] == "put" and "leaf" in call["path"]]
    assert len(files) == 6
    assert not [file for file in files if holds(file, secrets)]
    secrets += [part for file in files for part in (file[200:240], base64.b64encode(file)[200:240])]
    for run in runs:
        assert not holds(run.output.encode(), secrets)
    assert len(seen.files) > 5, "the search has something to look at"
    assert not seen.places(secrets)
    assert not holds(log.read_bytes(), secrets)
    assert len(seen.started) > 20
    assert not seen.processes(secrets)
