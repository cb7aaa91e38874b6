# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host in a directory, with a server of three sites; a change is made there, hurt, and judged.

``web`` is configured by us and names the live version; ``mail`` and ``proxy`` name files of their own, which become
links. The key belongs to root and is readable by another group.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from attacks.shim.calls import Call, Order
from attacks.shim.disk import Snapshot, difference, restore, snapshot
from attacks.shim.judge import Access, Judge, Wrong, check_with_openssl, leftovers
from attacks.shim.runner import Answer, Runner
from attacks.shim.scenes import BUNDLES, LEAVES, Scene, another_group
from attacks.shim.sites import Refused, Sites, pair_of

from ansible_collections.certops.acm.plugins.module_utils.bundle import leaf_info

FEWEST_CALLS = 12  # a change that makes fewer is none


class Stage:
    """A scene on a host, before the change; ``calls`` are those of the change when nothing hurts it."""

    def __init__(self, directory: Path, runner: Runner, sites: Callable[[list[Path]], Sites], scene: Scene) -> None:
        self.directory, self.etc, self.root = directory, directory / "etc", directory / "acm"
        self.live = self.root / "www" / "live"
        self.runner, self.scene = runner, scene
        self._group = another_group()
        self._healed: set[object] = set()
        self._judge = Judge(BUNDLES.values(), Access({os.getuid()}, self._group.gr_gid))
        self.etc.mkdir(parents=True)
        self._configurations = [self._configure(name) for name in ("web", "mail", "proxy")]
        self.sites = sites(self._configurations)
        self.sites.reload()
        for installed in scene.before:
            self._must_end_well(runner.run(self.options("present", installed)), installed)
        self.before = self.after = self.disk()
        assert not leftovers(self.before)
        self.calls = self._unhurt()
        self.after = self.disk()
        self.reset()

    def _configure(self, name: str) -> Path:
        """Write the configuration of a site that was never managed, and its files."""
        own, parts = BUNDLES["own"], self.etc / "own"
        parts.mkdir(exist_ok=True)
        files = {"cert.pem": own.fullchain, "key.pem": own.key, "all.pem": own.fullchain + own.key}
        for file, content in files.items():
            (parts / file).write_bytes(content)
            (parts / file).chmod(0o600)
        pair = ("all.pem", "all.pem") if name == "proxy" else ("cert.pem", "key.pem")
        configuration = self.etc / f"{name}.conf"
        configuration.write_text(f"certificate {parts / pair[0]}\nkey {parts / pair[1]}\n")
        configuration.chmod(0o644)
        return configuration

    def options(self, state: str, bundle: str | None) -> dict[str, Any]:
        """Return the options of cert_deploy as the module gets them from its action."""
        options: dict[str, Any] = {
            "name": "www",
            "root": str(self.root),
            "state": state,
            "config_test": self.sites.command("test"),
            "reload_command": self.sites.command("reload"),
            "listeners": [{"address": "127.0.0.1", "port": self.sites.ports[0]}],
            "handshake_timeout": 3,
            "lock_timeout": 1,
        }
        if bundle is None:
            return options
        leaf, own = LEAVES[bundle], self.etc / "own"
        content = f"# for {bundle}\ncertificate {{live}}/fullchain.pem\nkey {{live}}/privkey.pem\n"
        parts = {"cert.pem": "fullchain", "key.pem": "private_key", "all.pem": "haproxy"}
        return {
            **options,
            "certificate": leaf.certificate,
            "chain": leaf.chain,
            "private_key": leaf.private_key,
            "certificate_info": asdict(leaf_info(leaf.certificate)),
            "owner": pwd.getpwuid(os.getuid()).pw_name,
            "group": self._group.gr_name,
            "key_mode": "0640",
            "formats": ["haproxy"],
            "keep_versions": 2,
            "config_files": [{"path": str(self.etc / "web.conf"), "content": content}],
            "links": [{"path": str(own / name), "part": part} for name, part in parts.items()],
        }

    def disk(self) -> Snapshot:
        return snapshot(self.etc, self.root)

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Let the configuration test refuse what the change installs."""
        self.sites.refuses = BUNDLES[self.scene.ends_with].fullchain
        try:
            yield
        finally:
            self.sites.refuses = None

    def reset(self) -> None:
        restore(self.before, self.etc, self.root)
        self.sites.reload()

    def run(self, order: Order | None = None, sabotage: str | None = None) -> Answer:
        """Make the change."""
        return self.runner.run(self.options(self.scene.state, self.scene.bundle), order, sabotage)

    def order(self, mode: str = "count", number: int = 0, error: int = 0, *, reads: bool = False) -> Order:
        return Order((self.directory,), mode, number, error, reads)

    def _unhurt(self) -> list[Call]:
        answer = self.run(self.order())
        self._must_end_well(answer, self.scene.ends_with)
        assert len(answer.calls) >= FEWEST_CALLS
        assert [call.number for call in answer.calls] == list(range(1, len(answer.calls) + 1))
        self._last_check()
        return list(answer.calls)

    # Judging.

    def check_alive(self, when: str, *, openssl: bool = False) -> None:
        """Refuse what may not be, whenever a run ends before its end."""
        try:
            disk = self.disk()
            self._check_sites(openssl)
            self._check_versions(disk)
            self._check_paths(disk)
            assert self._judge.check_keys_are_private(disk) > 1
        except Wrong as wrong:
            raise Wrong(f"{self.scene.name}, {when}: {wrong}") from None

    def _check_sites(self, openssl: bool) -> None:
        for configuration in self._configurations:
            served = self._judge.served_by(configuration)
            if served not in self.scene.served:
                raise Wrong(f"{configuration} serves {served}")
            if openssl:
                check_with_openssl(*pair_of(configuration))
        if openssl:
            try:
                self.sites.load()
            except Refused as refused:
                raise Wrong(f"a server does not start: {refused}") from None

    def _check_versions(self, disk: Snapshot) -> None:
        """What is live, and each version that has its name, is whole."""
        if os.path.lexists(self.live):
            held = self._judge.held_by(self.live)
            if held not in self.scene.served:
                raise Wrong(f"live is {held}")
        elif str(self.live) in self.before and self.scene.state != "absent":
            raise Wrong("nothing is live any more")
        for version in self._versions(disk):
            self._judge.held_by(version)

    def _versions(self, disk: Snapshot) -> Iterator[Path]:
        directory = self.root / "www" / "versions"
        for path, found in disk.items():
            if Path(path).parent == directory and found.kind == "directory" and not Path(path).name.startswith("."):
                yield Path(path)

    def _check_paths(self, disk: Snapshot) -> None:
        """What a server reads is still there; a configuration is as before, or as it shall be."""
        for known in self.before:
            if known.startswith(f"{self.etc}/") and known not in disk:
                raise Wrong(f"{known} is gone")
        path = str(self.etc / "web.conf")
        if disk[path] not in (self.before[path], self.after[path]):
            raise Wrong("web.conf is neither the old one nor the new one")

    def check_healed(self, when: str) -> None:
        """Let one ordinary run finish; the host is as if nothing had happened then.

        What it finds is the disk and the running server: where both are, byte for byte, what an earlier call found,
        as a kill before and a kill after an fsync leave them, it is not made again.
        """
        found = frozenset(self.disk().items()), tuple(self.sites.serving)
        if found in self._healed:
            return
        self._must_end_well(self.run(), self.scene.ends_with)
        self.check_after(f"{when}, after the next run")
        self._healed.add(found)

    def check_after(self, when: str) -> None:
        """Refuse a host that is not as the change leaves it when nothing hurts it."""
        if found := difference(self.after, self.disk()):
            raise Wrong(f"{self.scene.name}, {when}: expected and found differ: {found}")
        self.check_running(self.scene.ends_with, when)

    def check_running(self, bundle: str, when: str) -> None:
        """Refuse a server that serves something else than this."""
        contents = BUNDLES[bundle].fullchain
        if any(not serving.startswith(contents) for serving in self.sites.serving):
            raise Wrong(f"{self.scene.name}, {when}: the server does not serve {bundle}")

    def serves(self, bundle: str) -> bool:
        """Tell whether all sites of a server that starts now serve this."""
        return {self._judge.served_by(configuration) for configuration in self._configurations} == {bundle}

    def check_before(self, when: str) -> None:
        """Refuse a host that is not as it was before the change, byte for byte."""
        disk = dict(self.disk())
        for path in (str(self.root), str(self.root / ".lock")):
            if path not in self.before:  # the place for all certificates, and who changes it, may stay
                disk.pop(path, None)
        if found := difference(self.before, disk):
            raise Wrong(f"{self.scene.name}, {when}: before and now differ: {found}")
        self.check_running(self.scene.begins_with, when)

    def _last_check(self) -> None:
        """Judge the end of a run that nothing hurt: what comes of hurt ones is compared with it."""
        disk = self.disk()
        assert not leftovers(disk), leftovers(disk)
        assert self.serves(self.scene.ends_with)
        assert sorted(self._judge.held_by(version) for version in self._versions(disk)) == sorted(self.scene.keeps)
        assert self.root.joinpath("www").exists() == bool(self.scene.keeps)
        assert self._judge.check_keys_are_private(disk) > 1
        self.check_running(self.scene.ends_with, "unhurt")

    def _must_end_well(self, answer: Answer, bundle: str) -> None:
        assert answer.killed is None and not answer.result.get("failed"), answer.result.get("msg")
        assert not answer.result.get("warnings"), answer.result
        self.check_running(bundle, "after a run that nothing hurts")
