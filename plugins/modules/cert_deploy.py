#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_deploy
short_description: Install a certificate on a host, prove by a TLS handshake that it is served, or put everything back
version_added: 0.1.0
author:
  - The certops.acm authors (@certops)
description:
  - Makes certificate, chain and private key, and the configuration that belongs to them, one transaction on the host.
    The bundle is checked, staged beside the old one, activated by one atomic rename, tested by the server's own
    configuration test, loaded by a reload, and proven by a TLS handshake on each listener. Any failure on this way
    puts the old bundle and the old configuration back, proves them in the same way, and fails.
  - At each instant, also if the host loses power, a server that starts from what is on the disk finds a complete and
    matching pair. What a killed run left is repaired by the next run.
  - The private key is opened in the memory of the controller and sent in the module's arguments over the standard
    input of the connection. The module turns pipelining on for its own task, so that no key is in a file but the one
    it is meant for.
options:
  name:
    description:
      - Name of the certificate on this host; names a directory below O(root).
      - Letters, digits, V(.), V(_) and V(-), at most 64 characters.
    type: str
    required: true
  root:
    description:
      - Directory of all certificates on this host. It is made if its parent exists.
      - Nobody but root, or the user who runs the module, may be able to write to it or to a directory above it.
    type: path
    default: /etc/ssl/acm
  state:
    description:
      - V(present) serves the given bundle.
      - V(rolled_back) serves the version before the live one again. Asked for twice, it goes back once.
      - V(absent) puts back the configuration files and links that were there before, and removes all versions.
    type: str
    choices: [present, rolled_back, absent]
    default: present
  certificate:
    description: The leaf in PEM, as RV(certops.acm.acm_export_cert#module:certificate). Needed for O(state=present).
    type: str
  chain:
    description: >-
      The chain in PEM without the leaf, as RV(certops.acm.acm_export_cert#module:certificate_chain).
      Needed for O(state=present).
    type: str
  private_key:
    description:
      - The private key in PEM, encrypted as ACM exports it (give O(passphrase)), or plain.
      - Needed for O(state=present), but not in check mode.
    type: str
  passphrase:
    description: Opens O(private_key) on the controller. It is never sent to the host.
    type: str
  owner:
    description:
      - Owner of the files. All directories below O(root) stay root's (those of the user who runs the module), because
        whoever owns a directory can put other files in the place of what is in it.
      - Another owner than root gets through the directory of a version as any user does, without listing it; who may
        read the private key is up to O(key_mode).
    type: str
    default: root
  group:
    description:
      - Group of the files. With another group than the owner's own, its members may enter the directory of a version;
        set O(key_mode=0640) to let them read the key, too. Without O(owner), others are kept out of it.
    type: str
    default: root
  key_mode:
    description: Mode of the private key, octal.
    type: str
    default: '0600'
  formats:
    description:
      - Files to make of the bundle beside the PEM parts.
      - V(haproxy) is C(live/haproxy.pem), the full chain and the key in one file, as C(crt) of HAProxy takes it.
      - V(pkcs12) is C(live/bundle.p12), a PKCS#12 key store for Java 8u301 or later and others, made on the
        controller with AES-256 and the password O(pkcs12_password).
      - What O(links) asks for is made without being named here.
    type: list
    elements: str
    choices: [haproxy, pkcs12]
    default: []
  pkcs12_password:
    description: >-
      Password of the PKCS#12 key store. It stays on the controller: the server on the host has it in a configuration
      of its own. With another password the store is made anew.
    type: str
  pkcs12:
    description: The key store. Filled in by the action plugin; whatever is set here is replaced.
    type: dict
  server_names:
    description: Names that the certificate must cover. Nothing is sent to a host if one is missing.
    type: list
    elements: str
    default: []
  config_files:
    description:
      - Configuration files that belong to the change, written and put back together with the certificate.
      - They are written in this order and removed in the opposite one; so put an included file before the one
        that includes it.
      - A file that is left out later stays as it is until O(state=absent).
      - The directory may belong to another user, for instance the one of the service. Then no part of the path may be a
        symbolic link that this user could have made, and no such link is followed.
      - What is read from there must be a regular file of at most 4 MiB.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path. Its directory must exist.
        type: path
        required: true
      content:
        description: The whole content. V({live}) stands for the absolute path of the live directory.
        type: str
        required: true
      mode:
        description: Mode, octal.
        type: str
        default: '0644'
  links:
    description:
      - Paths that shall lead to a part of the live version, for servers whose configuration names them already.
      - Files that are there are adopted. All of them change at the same instant, they can be rolled back to,
        and O(state=absent) puts them back.
      - A directory that belongs to another user and the size of files are treated as with O(config_files). A symbolic
        link there is adopted if it leads to a file of its own owner.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path. Its directory must exist.
        type: path
        required: true
      part:
        description: What is to be found there.
        type: str
        choices: [certificate, chain, fullchain, haproxy, pkcs12, private_key]
        required: true
  config_test:
    description: >-
      Command and arguments that exit with 0 if the server's configuration is good, such as V([nginx, -t]). It must
      succeed before the change, too, unless what it complains about is part of the change.
    type: list
    elements: str
    default: []
  unit:
    description: >-
      systemd unit of the server. It must be active, and is reloaded. Not looked at where systemd is not running.
    type: str
  reload_command:
    description: Command and arguments that reload the server where systemd is not running or O(unit) is not given.
    type: list
    elements: str
    default: []
  listeners:
    description:
      - Where the certificate is served. Each is asked until it shows the new certificate.
      - Where an RSA and an EC certificate are served side by side for one name, the one of the same kind counts; the
        server must allow TLS 1.2 for that.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: IP address or name to connect to, as seen from the host itself.
        type: str
        default: 127.0.0.1
      port:
        description: TCP port.
        type: int
        default: 443
      server_name:
        description: >-
          Name to ask for (SNI). If left out, the first of O(server_names), or else of the certificate's names, that is
          no wildcard; with nothing but wildcards, C(www) below the first of them.
        type: str
      starttls:
        description: >-
          Protocol whose STARTTLS (STLS) command turns the connection to TLS. Left out for a port that speaks TLS from
          the start.
        type: str
        choices: [smtp, imap, pop3]
  handshake_timeout:
    description: Seconds for all listeners together to show the new certificate; old workers of a server linger.
    type: float
    default: 30
  keep_versions:
    description: How many versions stay on the host, the live one included. With 1 nothing can be rolled back later.
    type: int
    default: 3
  force:
    description: >-
      Install the certificate even if the live one is newer; with O(state=rolled_back), go back even if the
      earlier certificate expired.
    type: bool
    default: false
  lock_timeout:
    description: Seconds to wait for another run of this module on the same host.
    type: float
    default: 60
  timeout:
    description:
      - Seconds that the whole run may take; more than O(handshake_timeout) and O(lock_timeout) together. If left out,
        these two and 240 more.
      - A run that takes longer ends in the ordinary way, with everything put back, and says at which step it was. Going
        back has time of its own, twice O(handshake_timeout) and 240 seconds.
    type: float
  certificate_info:
    description: What the leaf says. Filled in by the action plugin; whatever is set here is replaced.
    type: dict
attributes:
  action:
    description: Checks the bundle and opens the key on the controller.
    support: full
  async:
    description: Runs in the background.
    support: none
    details: The arguments of a background task are kept in a file, and they hold the key.
  check_mode:
    description: Says what would change without changing it; works without O(private_key).
    support: full
  diff_mode:
    description: Shows fingerprint, serial, expiry, names and configuration files; never a part of a key.
    support: full
  platform:
    description: Where the module can run.
    platforms: posix
    support: full
requirements:
  - on the controller, the Python library cryptography 40 or later
  - on the host, Python 3.9 or later, and nothing else
notes:
  - Set C(no_log=true) on the task, because O(passphrase) and O(private_key) are among its arguments.
  - Fails when C(ANSIBLE_KEEP_REMOTE_FILES) or C(ANSIBLE_DEBUG) is set, with C(async), and with a connection or a
    C(become) method that cannot pipeline, because the key would be left in a file or in the output.
  - A bundle whose parts do not belong together, an expired certificate and names that are not covered are
    refused before the host is contacted.
seealso:
  - module: certops.acm.acm_export_cert
  - module: certops.acm.secret_passphrase
"""

EXAMPLES = r"""
- name: Install an exported certificate for nginx
  certops.acm.cert_deploy:
    name: www
    certificate: "{{ exported.certificate }}"
    chain: "{{ exported.certificate_chain }}"
    private_key: "{{ exported.encrypted_private_key }}"
    passphrase: "{{ secret.passphrase }}"
    server_names: [www.example.com]
    config_files:
      - path: /etc/nginx/snippets/www-tls.conf
        content: |
          ssl_certificate {live}/fullchain.pem;
          ssl_certificate_key {live}/privkey.pem;
    config_test: [nginx, -t]
    unit: nginx
    reload_command: [nginx, -s, reload]
    listeners:
      - port: 443
        server_name: www.example.com
  no_log: true
  diff: false

- name: Take over the files that a server names already
  certops.acm.cert_deploy:
    name: mail
    certificate: "{{ exported.certificate }}"
    chain: "{{ exported.certificate_chain }}"
    private_key: "{{ exported.encrypted_private_key }}"
    passphrase: "{{ secret.passphrase }}"
    links:
      - path: /etc/ssl/certs/mail.pem
        part: fullchain
      - path: /etc/ssl/private/mail.key
        part: private_key
    unit: dovecot
    listeners:
      - port: 993
  no_log: true
  diff: false

- name: Go back to the certificate before
  certops.acm.cert_deploy:
    name: www
    state: rolled_back
    config_test: [nginx, -t]
    unit: nginx
    listeners:
      - server_name: www.example.com
"""

RETURN = r"""
status:
  description:
    - V(verified), the certificate is installed and each listener shows it.
    - V(installed), the same without listeners to ask.
    - V(absent), nothing is left of the certificate.
    - V(rolled_back), the change failed and everything is as it was before (the task fails).
    - V(failed), nothing was changed; or going back failed, too, which RV(msg) then says (the task fails).
  returned: always
  type: str
  sample: verified
msg:
  description: What went wrong and what to do about it.
  returned: failure
  type: str
  sample: "everything is as it was before: the configuration test of nginx failed with the change in place: ..."
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: config test
fingerprint:
  description: SHA-256 of the leaf that was to be installed. None with O(state=absent).
  returned: always
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
serial:
  description: Its serial number, hexadecimal.
  returned: always
  type: str
  sample: 6d1f2ab3c4
not_after:
  description: End of its validity, UTC.
  returned: always
  type: str
  sample: '2027-04-18T23:59:59Z'
names:
  description: Its names.
  returned: always
  type: list
  elements: str
  sample: [www.example.com]
previous_fingerprint:
  description: SHA-256 of the leaf that was live before; None if there was none.
  returned: always
  type: str
  sample: 1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014
served_fingerprint:
  description: >-
    SHA-256 of the leaf that the listeners show at the end; if they differ, the first that is not RV(fingerprint).
    None if there are no listeners or none answers.
  returned: always
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
served:
  description: What each listener showed last.
  returned: always
  type: list
  elements: dict
  contains:
    address:
      description: As given.
      type: str
    port:
      description: As given.
      type: int
    server_name:
      description: The name asked for.
      type: str
    starttls:
      description: As given.
      type: str
    fingerprint:
      description: SHA-256 of the leaf it showed.
      type: str
    error:
      description: Why there is no fingerprint.
      type: str
  sample:
    - address: 127.0.0.1
      port: 443
      server_name: www.example.com
      starttls: null
      fingerprint: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      error: null
actions:
  description: What was done, tried or, in check mode, would be done.
  returned: always
  type: list
  elements: str
  sample: [stage version 9f86d081884c, make version 9f86d081884c live, reload nginx]
"""

import signal
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.certops.acm.plugins.module_utils.bundle_files import PARTS
from ansible_collections.certops.acm.plugins.module_utils.deploy_request import read_desired, time_limit
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.server import Server
from ansible_collections.certops.acm.plugins.module_utils.time_limit import Interrupted, TimeLimit
from ansible_collections.certops.acm.plugins.module_utils.transaction import RolledBack, Settings, Transaction


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params

    def label(path: str, final: str) -> None:
        if module.selinux_enabled():
            module.set_context_if_different(path, module.selinux_default_context(final), False)

    server = Server(tuple(params["config_test"]), params["unit"], tuple(params["reload_command"]))
    transaction = None
    try:
        with TimeLimit(time_limit(params)) as limit:
            settings = Settings(params["handshake_timeout"], params["lock_timeout"], label=label, limit=limit)
            desired = read_desired(params, check_mode=module.check_mode)
            transaction = Transaction(params["root"], params["name"], desired, server, settings)
            report = transaction.check() if module.check_mode else transaction.run()
    except HostError as error:
        if transaction is None:
            return {"failed": True, "changed": False, "status": "failed", "step": error.step, "msg": str(error)}
        status = "rolled_back" if isinstance(error, RolledBack) else "failed"
        return {"failed": True, **transaction.report.to_failure(error, status)}
    for warning in report.warnings:
        module.warn(warning)
    return report.to_result(gone=params["state"] == "absent")


def stop(number: int, _frame: object) -> NoReturn:
    raise Interrupted(f"the run was stopped by signal {number}", "stopped")


def main() -> None:
    config_file = {
        "path": {"type": "path", "required": True},
        "content": {"type": "str", "required": True},
        "mode": {"type": "str", "default": "0644"},
    }
    link = {
        "path": {"type": "path", "required": True},
        "part": {"type": "str", "choices": sorted(PARTS), "required": True},
    }
    listener = {
        "address": {"type": "str", "default": "127.0.0.1"},
        "port": {"type": "int", "default": 443},
        "server_name": {"type": "str"},
        "starttls": {"type": "str", "choices": ["smtp", "imap", "pop3"]},
    }
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "root": {"type": "path", "default": "/etc/ssl/acm"},
            "state": {"type": "str", "choices": ["present", "rolled_back", "absent"], "default": "present"},
            "certificate": {"type": "str"},
            "chain": {"type": "str"},
            "private_key": {"type": "str", "no_log": True},
            "passphrase": {"type": "str", "no_log": True},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
            "key_mode": {"type": "str", "default": "0600", "no_log": False},
            "formats": {"type": "list", "elements": "str", "choices": ["haproxy", "pkcs12"], "default": []},
            "pkcs12_password": {"type": "str", "no_log": True},
            "pkcs12": {"type": "dict", "no_log": True},
            "server_names": {"type": "list", "elements": "str", "default": []},
            "config_files": {"type": "list", "elements": "dict", "default": [], "options": config_file},
            "links": {"type": "list", "elements": "dict", "default": [], "options": link},
            "config_test": {"type": "list", "elements": "str", "default": []},
            "unit": {"type": "str"},
            "reload_command": {"type": "list", "elements": "str", "default": []},
            "listeners": {"type": "list", "elements": "dict", "default": [], "options": listener},
            "handshake_timeout": {"type": "float", "default": 30},
            "keep_versions": {"type": "int", "default": 3},
            "force": {"type": "bool", "default": False},
            "lock_timeout": {"type": "float", "default": 60},
            "timeout": {"type": "float"},
            "certificate_info": {"type": "dict"},
        },
        required_if=[("state", "present", ["certificate", "chain"])],
        supports_check_mode=True,
    )
    # A dropped connection must not stop the run between two steps; being told to stop means going back.
    signal.signal(signal.SIGHUP, lambda number, frame: None)
    signal.signal(signal.SIGTERM, stop)
    result = run(module)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
