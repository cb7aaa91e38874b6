# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways to spoil the role and its plugins, each with the scenario that must notice."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TASKS = "roles/iis_certificate/tasks/"
IMPORT = "plugins/action/iis_certificate_import.py"
# What the role needs of the collection.
PARTS = ("plugins/action", "plugins/filter", "plugins/module_utils", "plugins/plugin_utils", "plugins/modules",
         "roles/iis_certificate")  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    """A change of one file.

    Attributes:
        text: what it says; ``new`` is put in its place.
        scenario: notices.
    """

    name: str
    file: str
    text: str
    new: str
    scenario: str


def _m(name: str, file: str, text: str, new: str, scenario: str) -> Mutation:
    return Mutation(name, file, text, new, scenario)


MUTATIONS = (
    _m("the key is not put in the machine's store", IMPORT, '                "key_storage": "machine",\n', "",
       "old_windows"),
    _m("the key is exportable", IMPORT, '                "key_exportable": exportable,\n', "", "old_windows"),
    _m("the password is left out", IMPORT, '                "password": password,\n', "", "old_windows"),
    _m("nobody looks before the import", IMPORT,
       'keyless = not self.certificate(store, thumbprint).get("has_private_key")', "keyless = True", "key_again"),
    _m("nobody looks for the key after the import", IMPORT,
       'if not self.certificate(store, thumbprint).get("has_private_key")', "if False", "key_missing"),
    _m("a certificate without its key is left", IMPORT, '            self.module(STORE, {"thumbprint"',
       '            dict(STORE=STORE, **{"thumbprint"', "key_missing"),
    _m("intermediates go to the roots", IMPORT, '"store_name": "CertificateAuthority", "store_location"',
       '"store_name": "Root", "store_location"', "old_windows"),
    _m("intermediates are left out", IMPORT, "pfx.intermediates(held.chain)", "[]", "old_windows"),
    _m("roots are imported", "plugins/module_utils/pfx.py", " if certificate.subject != certificate.issuer", "",
       "old_windows"),
    _m("the chain is in the PFX", "plugins/module_utils/pfx.py", "key, leaf, None, encryption",
       "key, leaf, x509.load_pem_x509_certificates(opened.chain.encode()), encryption", "old_windows"),
    _m("AES for every Windows", "plugins/module_utils/pfx.py", "build >= FIRST_BUILD_WITH_AES", "True", "old_windows"),
    _m("the files are left on the host", "plugins/plugin_utils/windows_action.py",
       "self._remove_tmp_path(directory)", "self._connection._shell.tmpdir = None", "old_windows"),
    _m("not as SYSTEM", TASKS + "main.yml", "  become: true\n", "", "old_windows"),
    _m("it ends where the host goes away", TASKS + "main.yml", "  ignore_unreachable: true\n", "", "away_returns"),
    _m("it is not waited for the host", TASKS + "back.yml", "ansible.builtin.wait_for_connection:",
       "ansible.builtin.debug:\n        msg:\n      vars:", "away_returns"),
    _m("check mode is not looked at", TASKS + "deploy.yml", "  when: not __iis_certificate_decided.check_mode\n", "",
       "check_mode"),
    _m("stopped sites are started", TASKS + "bind.yml", '    state: "{{ item.state }}"\n', "", "stopped_site"),
    _m("ip is left out", TASKS + "bind.yml", '        - ip: "{{ item.ip }}"\n          port:', "        - port:",
       "old_windows"),
    _m("protocol is left out", TASKS + "bind.yml", "          protocol: https\n", "", "old_windows"),
    _m("use_sni is left out", TASKS + "bind.yml", '          use_sni: "{{ item.sni }}"\n', "", "created"),
    _m("use_ccs is said to be false", TASKS + "bind.yml", "          protocol: https\n",
       "          protocol: https\n          use_ccs: false\n", "flags_unseen"),
    _m("the store is left out", TASKS + "bind.yml", '          certificate_store_name: "{{ item.to_store }}"\n', "",
       "web_hosting"),
    _m("set instead of add", TASKS + "bind.yml", "      add:\n", "      set:\n", "old_windows"),
    _m("appcmd goes the wrong way", "plugins/module_utils/iis_plan.py", 'f"/oldcert:{old}", f"/newcert:{new}"',
       'f"/oldcert:{new}", f"/newcert:{old}"', "catch_all"),
    _m("bindings that were created are left", "plugins/module_utils/iis_plan.py", "for one in removed",
       "for one in removed[:0]", "created"),
    _m("the bindings are not remembered", TASKS + "install.yml", "    - __iis_certificate_plan.record | length > 0\n",
       "    - false\n", "rollback"),
    _m("what was remembered is not put back", TASKS + "back.yml", "| ternary('present', 'absent')",
       "| ternary('present', 'present')", "second_binding_fails"),
    _m("nobody compares", TASKS + "prove.yml", "that: __iis_certificate_differences | length == 0", "that: true",
       "stopped_site"),
    _m("nobody shakes hands", TASKS + "shake.yml", "  when: __iis_certificate_handshakes | length > 0\n",
       "  when: false\n", "shown_otherwise"),
    _m("nothing is put back", TASKS + "back.yml", "    - name: Bind what was bound before\n",
       "    - name: Bind what was bound before\n      when: false\n", "second_binding_fails"),
    _m("a catch-all is left to the module", "plugins/module_utils/iis_refusal.py",
       "if other.key != binding.key and other.is_named_by(binding)]", "if False]", "catch_all"),
    _m("a shared port is not looked at", "plugins/module_utils/iis_refusal.py", "    if binding.sni:\n",
       "    if True:\n", "shared_endpoint"),
    _m("files of the central store are not renamed", "plugins/action/iis_central_store.py",
       'self._cmd("move", "/y", f"{target}.new", target)', "pass", "central_store"),
    _m("what leads back is cleaned", "plugins/module_utils/iis_record.py", " | record.thumbprints\n", "\n", "cleaned"),
)  # fmt: skip


def spoil(mutation: Mutation, number: int, directory: Path) -> str:
    """Write a copy of the collection with the mutation, under another name, and return the name of its role."""
    name = f"mutant_{number:02}"
    copy = directory / "ansible_collections" / "certops" / name
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "galaxy.yml").write_text(f"namespace: certops\nname: {name}\nversion: 0.0.1\n", encoding="utf-8")
    spoiled = copy / mutation.file
    text = spoiled.read_text(encoding="utf-8")
    assert mutation.text in text, f"{mutation.name}: {mutation.file} does not say {mutation.text!r} any more"
    spoiled.write_text(text.replace(mutation.text, mutation.new), encoding="utf-8")
    for path in [*copy.rglob("*.py"), *copy.rglob("*.yml")]:
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("certops.acm.", f"certops.{name}."), encoding="utf-8")
    return f"certops.{name}.iis_certificate"
