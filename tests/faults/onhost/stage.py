# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One web server with one certificate, and the scenes in which a run is hurt."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from faults.onhost.web_server import OWN, ROOTS, SERVERS, empty, judged, snapshot

from ansible_collections.certops.acm.plugins.module_utils.deploy_request import read_desired
from ansible_collections.certops.acm.plugins.module_utils.server import Server
from ansible_collections.certops.acm.plugins.module_utils.transaction import Settings, Transaction

ROOT = Path("/etc/ssl/acm")
SAVED = Path("/var/lib/faults")
SETTLED = 5.0
Bundle = Mapping[str, Any]
Step = Callable[[str, str], object]


class Stage:
    """What a job works on.

    Attributes:
        old, new: the bundles: ``certificate``, ``chain``, ``private_key`` and ``info`` each.
        options: of cert_deploy, for the run that is hurt.
        healing: options of the next run; the same unless the scene is one that fails.
        final: fingerprint that is served in the end.
        fails: the run under test goes back by itself.
    """

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.server = SERVERS[job["server"]]
        self.unit = self.server.unit if job.get("systemd") else None
        self.old: Bundle = job["old"]
        self.new: Bundle = job["new"]
        self.roots: str = job["roots"]
        self.options: dict[str, Any] = {}
        self.healing: dict[str, Any] = {}
        self.final = self.fingerprint(self.new)
        self.fails = False
        self.places = (*self.server.places, ROOT)

    @staticmethod
    def fingerprint(bundle: Bundle) -> str:
        return str(bundle["info"]["fingerprint"])

    @property
    def first(self) -> str:
        """The fingerprint that is served before."""
        return next(iter(self.known - {self.final}))

    @property
    def known(self) -> set[str]:
        """The only fingerprints that may ever be seen."""
        return {self.fingerprint(self.old), self.fingerprint(self.new)}

    def make(self, scene: str) -> None:
        """Make a scene on a host that never saw a certificate, and remember the files."""
        self.server.install()
        empty(ROOT)
        ROOTS.write_text(self.roots)
        self.own_pair(self.old)
        self.start()
        self.options = SCENES[scene](self)
        self.healing = self.healing or self.options
        empty(SAVED)
        for number, place in enumerate(self.places):
            shutil.copytree(place, SAVED / str(number), symlinks=True)

    def reset(self) -> None:
        """Put the files back to where the scene was made, and have the server serve them."""
        self.stop()
        for number, place in enumerate(self.places):
            empty(place)
            shutil.copytree(SAVED / str(number), place, symlinks=True, dirs_exist_ok=True)
        self.start()

    def start(self) -> None:
        if self.unit is None:
            self.server.start()
        else:
            subprocess.run(["systemctl", "start", self.unit], check=True)

    def stop(self) -> None:
        if self.unit is None:
            self.server.stop()
        else:
            subprocess.run(["systemctl", "stop", self.unit], check=True)
            # The tests start it more often than systemd lets a service be started.
            subprocess.run(["systemctl", "reset-failed", self.unit], check=False, capture_output=True)

    def own_pair(self, bundle: Bundle) -> None:
        """Configure the site with files of its own, as on a host that was never managed."""
        (OWN / "shop.pem").write_text(bundle["certificate"] + bundle["chain"])
        (OWN / "shop.key").write_text(bundle["private_key"])
        self.server.site.write_text(self.server.site_with_pair(OWN / "shop.pem", OWN / "shop.key"))

    def snapshot(self) -> dict[str, str]:
        return snapshot(self.places)

    def must_serve(self, when: str) -> str:
        """Let openssl look; the old certificate or the new one must be there, matching its key and verifying."""
        served = judged()
        assert served is not None, f"{when}: no certificate that verifies is served"
        assert served in self.known, f"{when}: {served} is served"
        return served

    def must_settle(self, wanted: str, when: str) -> None:
        """The same, and the wanted one is there for good, once the last old worker is gone.

        A worker that was told to end may take one more connection, after many that went to new workers.
        """
        deadline = time.monotonic() + SETTLED
        while self.must_serve(when) != wanted:
            assert time.monotonic() < deadline, f"{when}: {wanted} is not served"
            time.sleep(0.05)

    # The change.

    def site_file(self) -> list[dict[str, str]]:
        """Options config_files: the site names the live version."""
        content = self.server.site_with_pair("{live}/fullchain.pem", "{live}/privkey.pem")
        return [{"path": str(self.server.site), "content": content, "mode": "0644"}]

    def snippet_files(self) -> list[dict[str, str]]:
        """A new file, and the site that includes it from now on."""
        pair = self.server.pair("{live}/fullchain.pem", "{live}/privkey.pem")
        return [
            {"path": str(self.server.snippet), "content": pair + "\n", "mode": "0640"},
            {"path": str(self.server.site), "content": self.server.site_with_snippet(), "mode": "0644"},
        ]

    def options_for(self, bundle: Bundle | None, **changes: Any) -> dict[str, Any]:
        """Return the options of cert_deploy as the module gets them from its action."""
        options: dict[str, Any] = {
            "name": "shop",
            "root": str(ROOT),
            "state": "present",
            "owner": "root",
            "group": "root",
            "key_mode": "0600",
            "server_names": [],
            "config_files": [],
            "links": [],
            "config_test": list(self.server.config_test),
            "unit": self.unit,
            "reload_command": list(self.server.reload_command),
            "formats": [],
            "pkcs12": None,
            "listeners": [{"address": "127.0.0.1", "port": 443, "server_name": "shop.example.com", "starttls": None}],
            "handshake_timeout": 5.0,
            "keep_versions": 3,
            "force": False,
            "lock_timeout": 5.0,
        }
        if bundle is not None:
            options.update(
                certificate=bundle["certificate"],
                chain=bundle["chain"],
                private_key=bundle["private_key"],
                certificate_info=bundle["info"],
            )
        return {**options, **changes}

    def transaction(self, options: Mapping[str, Any], on_step: Step | None = None, **settings: Any) -> Transaction:
        desired = read_desired(options, check_mode=False)
        server = Server(tuple(options["config_test"]), options["unit"], tuple(options["reload_command"]))
        chosen = Settings(options["handshake_timeout"], options["lock_timeout"], on_step=on_step, **settings)
        return Transaction(options["root"], options["name"], desired, server, chosen)

    def deploy(self, bundle: Bundle, **changes: Any) -> None:
        self.transaction(self.options_for(bundle, **changes)).run()


def first_install(stage: Stage) -> dict[str, Any]:
    """The site names a pair of its own, and shall include a new file that names ours."""
    return stage.options_for(stage.new, config_files=stage.snippet_files())


def renewal(stage: Stage) -> dict[str, Any]:
    stage.deploy(stage.old, config_files=stage.site_file())
    return stage.options_for(stage.new, config_files=stage.site_file())


def adoption(stage: Stage) -> dict[str, Any]:
    """The files that the site names are replaced by links."""
    links = [
        {"path": str(OWN / "shop.pem"), "part": "fullchain"},
        {"path": str(OWN / "shop.key"), "part": "private_key"},
    ]
    return stage.options_for(stage.new, links=links)


def rollback(stage: Stage) -> dict[str, Any]:
    """Somebody wants the certificate before."""
    stage.deploy(stage.old, config_files=stage.site_file())
    stage.deploy(stage.new, config_files=stage.site_file())
    stage.final = stage.fingerprint(stage.old)
    return stage.options_for(None, state="rolled_back")


def _failing(make: Callable[[Stage], dict[str, Any]]) -> Callable[[Stage], dict[str, Any]]:
    """The server takes the change and its reload reports a failure: the run goes all the way back."""

    def scene(stage: Stage) -> dict[str, Any]:
        stage.healing = make(stage)
        stage.fails = True
        command = " ".join(stage.server.reload_command)
        return {**stage.healing, "reload_command": ["sh", "-c", f"{command}; exit 1"]}

    return scene


SCENES: dict[str, Callable[[Stage], dict[str, Any]]] = {
    "first install": first_install,
    "renewal": renewal,
    "adoption": adoption,
    "rollback": rollback,
    "failed renewal": _failing(renewal),
    "failed adoption": _failing(adoption),
}
