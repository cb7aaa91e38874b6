# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make demo``: an ACM certificate on the hosts that carry a tag, then renewed, then nothing to do.

KEEP=1 in the environment leaves hosts and stand-in running and says how to look at them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hosts.fleet import Fleet, HostSpec
from hosts.paths import Paths
from lab import Lab, Run
from rich.console import Console
from rich.markup import escape

RUN = "demo"
WEB = ("web1", "web2")
BYSTANDER = "db1"
KEPT = Paths.default().cache / "demo.json"
SHOP, API = "shop.example.com", "api.example.com"

console = Console(highlight=False, soft_wrap=True)


class DemoFailure(Exception):
    """A step did not show what it should; the text says what was seen."""


def say(text: str) -> None:
    console.print(f"      {text}")


@contextmanager
def step(number: int, title: str) -> Iterator[None]:
    console.print(f"[bold]\\[{number}/9][/bold] {title}")
    started = time.monotonic()
    yield
    console.print(f"      [green]ok[/green] [dim]{time.monotonic() - started:.1f} s[/dim]")


def expect(seen: bool, otherwise: str) -> None:
    if not seen:
        raise DemoFailure(otherwise)


def succeed(run: Run) -> Run:
    expect(run.returncode == 0, f"ansible-playbook exited with {run.returncode}:\n{run.output}")
    return run


def tell(run: Run, *tasks: str) -> list[str]:
    """Show what tasks of a run told, as Ansible printed it, and what the run cost; the lines that were told."""
    told = [line for task in tasks for line in _told(run.printed, task)]
    for line in told:
        say(escape(line))
    calls = sum(run.calls.values())
    exports = run.calls.get("acm:ExportCertificate", 0)
    trips = ", ".join(f"{host} {count}" for host, count in run.sessions.items())
    say(f"[dim]{calls} AWS calls, {exports} of them exports; round trips: {trips}[/dim]")
    return told


def expect_rows(told: list[str], certificate: str, arn: str, lab: Lab) -> None:
    """The table has a row for each web server, with the certificate that ACM holds."""
    for host in WEB:
        row = next((line.split() for line in told if {lab.names[host], certificate} <= set(line.split())), [])
        expect({"verified", lab.fingerprint(arn)[:16]} <= set(row), f"no row of {host} and {certificate} in {told}")


def _told(output: str, task: str) -> list[str]:
    """The message of a debug task: lines, or one."""
    _before, found, rest = output.partition(f"\nTASK [{task}] ")
    expect(bool(found), f"there was no task {task!r}:\n{output}")
    printed = rest.partition("\n\n")[0]
    message = json.loads(printed[printed.index("{") :])["msg"]
    return [message] if isinstance(message, str) else list(message)


def look(lab: Lab, name: str, arn: str) -> None:
    """Shake hands with every web server from outside, with openssl as the judge."""
    expected = lab.fingerprint(arn)
    for host in WEB:
        served = lab.served(host, name)
        expect(served.verified, f"{host} does not show a chain that verifies for {name}:\n{served.text}")
        expect(served.fingerprint == expected, f"{host} serves {served.fingerprint}, ACM holds {expected}")
        say(f"{host}: {name} serves {served.fingerprint[:16]}, chain verifies to the root")


def demo(lab: Lab) -> None:
    arns: dict[str, str] = {}
    with step(1, "Request two certificates from ACM: RSA and EC, exportable"):
        arns[SHOP] = lab.aws.request(SHOP, key_algorithm="RSA_2048")
        arns[API] = lab.aws.request(API, key_algorithm="EC_prime256v1")
        for name, arn in arns.items():
            say(f"{name}: {arn}")

    with step(2, "Create the inventory (a DynamoDB table): certops.acm.setup_aws"):
        succeed(lab.playbook("certops.acm.setup_aws"))

    with step(3, f"Deploy {SHOP} to the hosts tagged Role=web: certops.acm.deploy"):
        expect_rows(tell(succeed(lab.deploy(arns[SHOP], "shop")), "Summary"), "shop", arns[SHOP], lab)
        look(lab, SHOP, arns[SHOP])

    with step(4, f"Deploy {API} beside it"):
        expect_rows(tell(succeed(lab.deploy(arns[API], "api")), "Summary"), "api", arns[API], lab)
        look(lab, API, arns[API])
        look(lab, SHOP, arns[SHOP])

    with step(5, f"{BYSTANDER} does not carry the tag: untouched"):
        expect(lab.sessions()[BYSTANDER] == 0, f"someone logged in to {BYSTANDER}")
        left = lab.fleet.exec(BYSTANDER, ["ls", "/etc/ssl/acm"], check=False)
        expect(left.returncode != 0, f"{BYSTANDER} holds {left.stdout}")
        say(f"{BYSTANDER}: nobody logged in, no certificate there")

    before = lab.fingerprint(arns[SHOP])
    with step(6, f"ACM renews {SHOP}: same ARN, new key, new serial"):
        lab.aws.renew(arns[SHOP])
        expect(lab.fingerprint(arns[SHOP]) != before, "the stand-in did not renew the certificate")
        event = [event for event in lab.aws.events() if event["detail"].get("Action") == "RENEWAL"][-1]
        say(f"EventBridge says: {event['detail-type']}, {event['detail']['Action']}, {event['resources'][0]}")

    with step(7, "The event runs certops.acm.renew"):
        run = succeed(lab.playbook("certops.acm.renew", {"acm_event": event}))
        expect_rows(tell(run, "Summary"), "shop", arns[SHOP], lab)
        look(lab, SHOP, arns[SHOP])

    with step(8, "Run it once more: nothing to do"):
        run = succeed(lab.playbook("certops.acm.renew"))
        tell(run, "Summary")
        expect(run.changed == 0, f"the repeat changed {run.changed} tasks:\n{run.output}")
        expect("acm:ExportCertificate" not in run.calls, "the repeat exported a certificate")

    with step(9, "What is deployed where: certops.acm.report"):
        told = tell(succeed(lab.playbook("certops.acm.report")), "What is deployed where", "What needs somebody")
        for name, arn in (("api", arns[API]), ("shop", arns[SHOP])):
            expect_rows(told, name, arn, lab)


def keep(lab: Lab) -> None:
    """Write down what runs, for ``remove_kept``, and say how to look at it."""
    settings = {**lab.environment, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    shell = lab.directory / "env"
    shell.write_text("".join(f"export {k}={shlex.quote(v)}\n" for k, v in settings.items()), encoding="utf-8")
    KEPT.write_text(json.dumps({"standin": lab.aws.pid, "directory": str(lab.directory)}), encoding="utf-8")
    address = lab.fleet.hosts["web1"].address
    console.print("\nIt is still running. Look at it:\n")
    for command in (
        f". {shell}",
        "ansible-playbook certops.acm.report",
        f"curl --cacert {lab.root} --resolve {SHOP}:443:{address} https://{SHOP}/",
        f"ssh -F {lab.fleet.ssh_config} web1",
    ):
        console.print(f"  {command}")
    console.print("\nRemove it with: make demo-stop")


def remove_kept() -> None:
    """Remove what an earlier demo left running, and nothing else."""
    Fleet(RUN).down()
    if KEPT.exists():
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
        process = Path(f"/proc/{kept['standin']}/cmdline")
        if process.exists() and b"standin" in process.read_bytes():
            os.kill(kept["standin"], signal.SIGTERM)
        shutil.rmtree(kept["directory"], ignore_errors=True)
        KEPT.unlink()


def main() -> int:
    if sys.argv[1:] == ["stop"]:
        remove_kept()
        console.print("Everything was removed.")
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    started, kept = time.monotonic(), False
    console.print("Starting the stand-in for AWS and three real hosts (the first time builds their file system)...")
    specs = [HostSpec(name, start=("nginx",)) for name in (*WEB, BYSTANDER)]
    lab = Lab(RUN, specs, tags={BYSTANDER: {"Role": "db"}}, outlive=bool(os.environ.get("KEEP")))
    try:
        remove_kept()
        lab.up()
        ready = time.monotonic()
        console.print(f"Ready after {ready - started:.1f} s.\n")
        demo(lab)
        console.print(f"\n[green]Done[/green] in {time.monotonic() - ready:.1f} s after set-up.")
        if os.environ.get("KEEP"):
            keep(lab)
            kept = True
        return 0
    except DemoFailure as failure:
        console.print(f"[red]FAILED[/red] {escape(str(failure))}")
        return 1
    except KeyboardInterrupt:
        console.print("\nInterrupted.")
        return 130
    finally:
        if not kept:
            # Whoever interrupts once more, or nox, which passes each signal on, would interrupt this, too.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            lab.down()
            console.print("Everything was removed.")


if __name__ == "__main__":
    sys.exit(main())
