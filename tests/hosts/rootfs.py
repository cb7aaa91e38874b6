# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root file system of the hosts: built once by mmdebstrap, cached as a tar, imported as an image."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

from hosts.errors import HostsError
from hosts.machine import require_programs
from hosts.paths import Paths
from hosts.podman import LABEL, Podman

SUITE = "bookworm"
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "sudo",
    "nginx-light", "apache2", "haproxy", "postfix", "dovecot-imapd",
    "openssl", "ca-certificates", "iproute2", "procps",
)  # fmt: skip
PATH_EXCLUDES = tuple(f"/usr/share/{folder}/*" for folder in ("doc", "man", "info", "locale", "lintian"))
CUSTOMIZE = Path(__file__).with_name("customize.sh")
REPOSITORY = "localhost/certops-acm-host"
BUILD_SECONDS = 900


def key() -> str:
    """Return the hash of everything that decides what is in the root file system."""
    recipe = "\n".join([SUITE, *PACKAGES, *PATH_EXCLUDES, CUSTOMIZE.read_text(encoding="utf-8")])
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]


def ensure_image(podman: Podman) -> str:
    """Return the name of the image, building the root and importing it when they do not exist yet."""
    image = f"{REPOSITORY}:{key()}"
    with podman.paths.lock("image"):
        if podman.run("image", "exists", image, check=False).returncode != 0:
            root = ensure_root(podman.paths)
            changes = ('CMD ["/lib/systemd/systemd"]', "STOPSIGNAL SIGRTMIN+3", f"LABEL {LABEL}=1")
            options = [option for change in changes for option in ("--change", change)]
            podman.run("import", *options, str(root), image)
            _remove_old_images(podman, image)
    return image


def ensure_root(paths: Paths) -> Path:
    """Return the cached tar of the root file system, building it when it is not there.

    :raises HostsError: mmdebstrap is missing or failed; its log is named.
    """
    tar = paths.cache / f"root-{key()}.tar"
    if tar.exists():
        return tar
    require_programs(("mmdebstrap",))
    paths.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    for stale in (*paths.cache.glob("root-*.tar"), *paths.cache.glob("root-*.partial")):
        stale.unlink()
    # The name holds the process id: a mmdebstrap that outlived a killed build may still be writing to its own.
    partial, log = paths.cache / f"root-{os.getpid()}.partial", paths.cache / "mmdebstrap.log"
    try:
        with log.open("w", encoding="utf-8") as handle:
            done = subprocess.run(
                mmdebstrap(partial),
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                timeout=BUILD_SECONDS,
                check=False,
            )
        if done.returncode != 0:
            tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            raise HostsError(f"mmdebstrap could not build the root file system (log: {log}):\n{tail}")
        partial.replace(tar)
    finally:
        partial.unlink(missing_ok=True)
    return tar


def mmdebstrap(output: Path) -> list[str]:
    """Return the command that builds the root file system."""
    command = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=tar", f"--include={','.join(PACKAGES)}"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in PATH_EXCLUDES]
    command += [f"--aptopt={option}" for option in _apt_proxies()]
    return [*command, f"--customize-hook={CUSTOMIZE}", SUITE, str(output), *apt_sources()]


def apt_sources() -> list[str]:
    """Return source lines for SUITE from the machine's own apt, or nothing: then mmdebstrap's default is used.

    The machine may reach Debian only through a mirror; apt knows which one.
    """
    template = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
    command = ["apt-get", "indextargets", "--format", template, "Created-By: Packages"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    lines: list[str] = []
    for line in done.stdout.splitlines():
        uri, release, component, origin = line.split("|")
        suites = (SUITE, f"{SUITE}-updates", f"{SUITE}-security")
        if origin == "Debian" and release in suites and component == "main":
            lines.append(f"deb {uri} {release} {component}")
    unique = list(dict.fromkeys(lines))
    return unique if any(f" {SUITE} " in line for line in unique) else []


def _remove_old_images(podman: Podman, image: str) -> None:
    """Remove the images of earlier recipes; one that a host still uses stays until the next change."""
    listed = podman.run("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    for old in listed:
        if old.startswith(f"{REPOSITORY}:") and old != image:
            podman.run("rmi", old, check=False)


def _apt_proxies() -> list[str]:
    try:
        done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    return re.findall(r'^(Acquire::https?::Proxy ".+");$', done.stdout, flags=re.MULTILINE | re.IGNORECASE)
