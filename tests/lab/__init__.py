# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A laboratory: the stand-in for AWS, real hosts that are its EC2 instances, and ansible-playbook.

The demo and the end-to-end tests share it. What Ansible is told is what a user would tell it: the
shipped host inventory, how to log in, and where AWS is.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from hosts.fleet import Fleet, HostSpec

from ansible_collections.certops.acm.plugins.module_utils.inventory_table import TableOptions, ensure_table
from standin.accounts import DEFAULT_ACCOUNT
from standin.client import Standin

ROOT = Path(__file__).resolve().parents[2]
TAGGED = {"Role": "web"}
TABLE = "certops-acm-inventory"
IMAGE = "ami-03cf127a"  # one of those moto knows
LEAF = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
FORGET = """
rm -rf /etc/ssl/acm/* /etc/ssl/acm/.[!.]* /etc/nginx/conf.d/*
mountpoint -q /etc/ssl/acm || rm -rf /etc/ssl/acm
if systemctl is-enabled --quiet nginx; then systemctl reset-failed nginx; systemctl restart nginx; fi
"""


class LabError(Exception):
    """The laboratory could not be set up; the text says why."""


@dataclass(frozen=True)
class Run:
    """One ansible-playbook that ended.

    Attributes:
        printed: standard output and standard error, as they came.
        output: the same, with the hosts' own names (``web1``) instead of those with instance ids.
        seconds: how long it took.
        calls: AWS calls by ``service:Operation``.
        sessions: round trips (ssh sessions) by host.
    """

    returncode: int
    printed: str
    output: str
    seconds: float
    calls: Mapping[str, int]
    sessions: Mapping[str, int]

    @property
    def changed(self) -> int:
        """Number of changed tasks over all hosts, from the recap."""
        return sum(int(number) for number in re.findall(r"changed=(\d+)", self.output))


@dataclass(frozen=True)
class Served:
    """What ``openssl s_client`` saw from outside.

    Attributes:
        fingerprint: SHA-256 of the leaf, lowercase hex; empty when there was no handshake.
        verified: whether the chain verified to the root of the stand-in.
        text: what openssl printed.
    """

    fingerprint: str
    verified: bool
    text: str


@dataclass
class Lab:
    """``with Lab("e2e", specs, tags) as lab`` sets up and removes everything.

    Attributes:
        tags: AWS tags of each host, by name; a host that is not named is tagged ``Role=web``.
        outlive: the stand-in goes on when this process ends, for whoever leaves the laboratory running.
        instances: id of the instance that each host is; none for one that was terminated.
        names: what the shipped host inventory calls that instance.
        arn: the certificate that tests share, once one has deployed it; none when all is fresh.
    """

    run_id: str
    specs: Sequence[HostSpec]
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    outlive: bool = False
    instances: dict[str, str] = field(default_factory=dict, init=False)
    names: dict[str, str] = field(default_factory=dict, init=False)
    arn: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.aws = Standin(outlive=self.outlive)
        self.fleet = Fleet(self.run_id, self.specs)
        self.directory = Path(tempfile.mkdtemp(prefix="acm-"))
        self.root = self.directory / "root.pem"

    def __enter__(self) -> Lab:
        return self.up()

    def up(self) -> Lab:
        """Set up; whatever was made is removed when something fails."""
        try:
            self.aws.start()
            self.fleet.up()
            self.prepare()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def down(self) -> None:
        """Remove all of it; harmless when there is nothing."""
        try:
            # Without hosts it was not made here, and one of the same name belongs to somebody else.
            if self.fleet.hosts:
                self.fleet.down()
        finally:
            self.aws.stop()
            shutil.rmtree(self.directory, ignore_errors=True)

    def prepare(self) -> None:
        """Make the hosts EC2 instances of the stand-in, and write what Ansible reads."""
        self.root.write_text(self.aws.root_pem(), encoding="utf-8")
        self.make_instances(*self.fleet.hosts)
        login = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.fleet.ssh_key),
            "ansible_ssh_common_args": f"-F {self.fleet.ssh_config}",
        }
        self.write("login.yml", {"all": {"vars": login}})
        # Ansible asks a thousand times a second whether a task is done; here that is time other tests could have.
        (self.directory / "ansible.cfg").write_text("[defaults]\ninternal_poll_interval = 0.02\n", encoding="utf-8")

    def make_instances(self, *names: str, account: str = DEFAULT_ACCOUNT, called: str = "") -> None:
        """Make hosts instances of an account, with their addresses and tags; ``called`` is one Name for all."""
        ec2 = self.aws.client("ec2", account=account)
        block = self.fleet.hosts[names[0]].address.rsplit(".", 1)[0] + ".0/24"
        vpc = ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"]
        for name in names:
            tags = {"Name": called or name, **self.tags.get(name, TAGGED)}
            pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
            made = ec2.run_instances(
                ImageId=IMAGE,
                MinCount=1,
                MaxCount=1,
                SubnetId=subnet,
                PrivateIpAddress=self.fleet.hosts[name].address,
                TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}],
            )
            self.instances[name] = made["Instances"][0]["InstanceId"]
            self.names[name] = f"{tags['Name']}_{self.instances[name]}"

    def terminate(self, name: str) -> None:
        """End the instance that a host is; the host itself runs on, outside EC2."""
        self.aws.client("ec2").terminate_instances(InstanceIds=[self.instances.pop(name)])
        del self.names[name]

    def own_names(self, text: str) -> str:
        """Text with the hosts' own names instead of those with instance ids."""
        for own, name in self.names.items():
            text = text.replace(name, own)
        return text

    def fresh(self) -> None:
        """Empty the account but for an inventory, and the hosts of certificates; hosts that were stopped run again."""
        with ThreadPoolExecutor(len(self.fleet.hosts)) as pool:
            list(pool.map(self.forget, self.fleet.hosts))
        self.aws.reset()
        self.arn = ""
        self.prepare()
        ensure_table(self.aws.client("dynamodb"), TABLE, TableOptions())

    def forget(self, host: str) -> None:
        """Make a host one that never saw a certificate."""
        if not self.runs(host):
            self.fleet.start(host)
        self.fleet.exec(host, ["sh", "-c", FORGET])

    def runs(self, host: str) -> bool:
        """Tell whether a host answers commands."""
        return self.fleet.exec(host, ["true"], check=False).returncode == 0

    def write(self, name: str, content: Any) -> str:
        """Write a file of YAML into the laboratory; its path."""
        path = self.directory / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)

    @property
    def inventories(self) -> list[str]:
        """Host inventories for ``ansible-playbook -i``."""
        return [str(ROOT / "inventory" / "aws_ec2.yml"), str(self.directory / "login.yml")]

    @property
    def environment(self) -> dict[str, str]:
        """What a shell needs to play the playbooks by hand."""
        if "ANSIBLE_COLLECTIONS_PATH" not in os.environ:
            raise LabError("ANSIBLE_COLLECTIONS_PATH does not say where the collection is: use make, or nox")
        return {
            **self.aws.env,
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_INVENTORY": ",".join(self.inventories),
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_NOCOWS": "1",
            "ANSIBLE_FORCE_COLOR": "0",
        }

    @property
    def full_environment(self) -> dict[str, str]:
        """This process's environment with what points to the laboratory."""
        return {**os.environ, **self.environment}

    def playbook(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Play one of the collection's playbooks by its FQCN, or a file, and count what it cost."""
        before = self.sessions()
        self.aws.reset_counts()
        command = [self.ansible_playbook, name, "-e", json.dumps(dict(variables or {})), *arguments]
        started = time.monotonic()
        done = subprocess.run(
            command,
            env={**self.full_environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        seconds = time.monotonic() - started
        spent = {host: count - before[host] for host, count in self.sessions().items()}
        output = self.own_names(done.stdout)
        return Run(done.returncode, done.stdout, output, seconds, self.aws.counts(), spent)

    @property
    def ansible_playbook(self) -> str:
        """The ansible-playbook of this interpreter."""
        return str(Path(sys.executable).with_name("ansible-playbook"))

    def deploy(
        self, arn: str, name: str, *arguments: str, environment: Mapping[str, str] | None = None, **variables: Any
    ) -> Run:
        """Play certops.acm.deploy for the hosts tagged Role=web."""
        asked = {"certificate_arn": arn, "certificate_name": name, "target_tag_key": "Role", "target_tag_value": "web"}
        return self.playbook("certops.acm.deploy", {**asked, **variables}, *arguments, environment=environment)

    def sessions(self) -> dict[str, int]:
        """Ssh sessions so far, by host."""
        return {host: self.fleet.sessions(host) for host in self.fleet.hosts}

    def served(
        self, host: str, server_name: str, port: int = 443, starttls: str | None = None, *arguments: str
    ) -> Served:
        """Shake hands from outside with openssl, as any client would; ``arguments`` are openssl's own."""
        address = self.fleet.hosts[host].address
        command = ["openssl", "s_client", "-connect", f"{address}:{port}", "-servername", server_name]
        command += ["-verify_hostname", server_name, "-CAfile", str(self.root), "-no-CApath", "-no-CAstore"]
        command += [*(["-starttls", starttls] if starttls else []), *arguments]
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=False)
        shaken = done.stdout + done.stderr
        return Served(leaf_fingerprint(shaken), "Verify return code: 0 (ok)" in shaken, shaken)

    def shown(self, host: str, server_name: str) -> str:
        """Fingerprint that a host shows; for loops that wait, as ``served`` costs twenty times as much."""
        context = ssl.create_default_context(cafile=str(self.root))
        try:
            with (
                socket.create_connection((self.fleet.hosts[host].address, 443), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname=server_name) as secured,
            ):
                return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
        except OSError:
            return ""

    def fingerprint(self, arn: str) -> str:
        """SHA-256 of the leaf that ACM holds now."""
        _arn, _aws, _acm, region, account, _id = arn.split(":", 5)
        acm = self.aws.client("acm", region=region, account=account)
        return leaf_fingerprint(acm.get_certificate(CertificateArn=arn)["Certificate"])


def leaf_fingerprint(text: str) -> str:
    """SHA-256 of the first certificate that is printed in a text, lowercase hex; empty when there is none."""
    pem = LEAF.search(text)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[0])).hexdigest() if pem else ""
