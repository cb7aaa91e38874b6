# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command line: python -m hosts up|down|list|exec|sessions|build, with the tests directory on PYTHONPATH."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from hosts import rootfs
from hosts.errors import HostsError
from hosts.fleet import Fleet
from hosts.paths import Paths
from hosts.podman import Podman
from hosts.removal import remove_all, remove_run
from hosts.spec import DEFAULT_SPECS, HostSpec


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(prog="python -m hosts", description="Real test hosts in podman containers.")
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the root file system and import it; later commands need no packages")
    up = commands.add_parser("up", help="make the hosts of a run and print its inventory file")
    up.add_argument("--run", required=True, help="name of the run")
    up.add_argument("--specs", type=Path, help="JSON list of host specifications; default: web1, web2, db1 with nginx")
    down = commands.add_parser("down", help="remove hosts, network and state of a run, also after a crash")
    which = down.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", help="name of the run")
    which.add_argument("--all", action="store_true", help="every run")
    commands.add_parser("list", help="print the runs that exist")
    sessions = commands.add_parser("sessions", help="print how many ssh sessions a host has begun")
    execute = commands.add_parser("exec", help="run a command on a host as root, past ssh")
    for command in (sessions, execute):
        command.add_argument("--run", required=True, help="name of the run")
        command.add_argument("host")
    execute.add_argument("argv", nargs="+")
    return top


def specs_from(path: Path | None) -> Sequence[HostSpec]:
    """Read host specifications from a JSON file; the default fleet without one."""
    if path is None:
        return DEFAULT_SPECS
    return [HostSpec.from_mapping(values) for values in json.loads(path.read_text(encoding="utf-8"))]


def run(options: argparse.Namespace) -> int:
    """Carry out one command and return the exit code."""
    podman = Podman(Paths.default())
    if options.command == "build":
        print(rootfs.ensure_image(podman))
    elif options.command == "up":
        print(Fleet(options.run, specs_from(options.specs)).up().inventory_file)
    elif options.command == "down":
        remove_all(podman) if options.all else remove_run(podman, options.run)
    elif options.command == "list":
        for registry in sorted(podman.paths.runs.glob("*/run.json")):
            fleet = Fleet.attach(registry.parent.name)
            print(fleet.run_id, *(f"{host.name}={host.address}" for host in fleet.hosts.values()))
    elif options.command == "sessions":
        print(Fleet.attach(options.run).sessions(options.host))
    else:
        done = Fleet.attach(options.run).exec(options.host, options.argv, check=False)
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
        return done.returncode
    return 0


def main() -> int:
    """Run the command line; a termination request cleans up as Ctrl-C does."""
    # A shell has its background jobs ignore Ctrl-C, and what they start inherits that.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        return run(parser().parse_args())
    except HostsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
