# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a target may ask for. A target comes from the table, so whoever writes the table must not become root by it.

Commands, configuration of one's own and paths where they would be harmful are for the controller to allow
(certops_allow_commands). Templates are files of the controller, and named: no target chooses one by its path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError, PlanError
from ansible_collections.certops.acm.plugins.module_utils.record_problem import RecordProblem
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.plugin_utils.target_options import read_options

# Options that run a command as root, or write a text of one's own where root's programs read it.
COMMANDS = ("config_test", "reload_command", "config_files")

# Where a service reads its sites, and how such a file is called.
SITE_DIRECTORIES = {"nginx": ("/etc/nginx",), "apache": ("/etc/apache2", "/etc/httpd")}
SITE_FOLDERS = ("sites-enabled", "sites-available")

# A path that the certificate takes over holds a certificate: no other file of a host is replaced by one.
LINK_SUFFIXES = (".pem", ".crt", ".cer", ".cert", ".key", ".chain", ".fullchain", ".p12", ".pfx", ".jks", ".keystore")
TRUST_STORES = (
    "/etc/ca-certificates",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/certs/ca-bundle.trust.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/usr/local/share/ca-certificates",
    "/usr/share",
)

# The directory of bundles belongs to this collection alone, by its name.
ROOT_NAME = "acm"

ROLE_TEMPLATE = "site.conf.j2"

_ALLOW = "set certops_allow_commands: true for the controller's runs if only administrators can write the table"


@dataclass(frozen=True)
class Policy:
    """What the controller allows to targets.

    Attributes:
        allow_commands: commands, configuration files and paths of their own.
        template_directory: directory of the controller with the templates that a target may name; empty: none but
            the one of the role.
    """

    allow_commands: bool = False
    template_directory: str = ""

    def options(self, target: Target, *, templates: bool = True) -> dict[str, Any]:
        """Return the options as the role of the service gets them.

        Args:
            templates: a site_template must be there, and becomes a path; else nobody needs it, as on the way back.

        Raises:
            PlanError: they are not what the role takes, or not allowed.
        """
        target.validate_fields()
        options = read_options(target.service, target.options)
        target.validate()
        if not self.allow_commands:
            _check_commands(options)
            _check_paths(target.service, options)
        name = options.pop("site_template", "")
        return {**options, "site_template": self.template(name)} if name and templates else options

    def template(self, name: str) -> str:
        """Return where a template lies, or the name of the role's own.

        Raises:
            PlanError: there is none of this name in the directory of the controller.
        """
        if not self.template_directory:
            if name == ROLE_TEMPLATE:
                return name
            raise PlanError(
                f"site_template {name} names a template of the controller, which offers none: set "
                "certops_template_directory to the directory that holds it"
            )
        directory = Path(self.template_directory)
        if not directory.is_absolute():
            raise PlanError(f"certops_template_directory {directory} must be an absolute path: write it from / on")
        # Resolved: a link must not lead out of the directory.
        try:
            path = (directory / name).resolve()
            if path.is_relative_to(directory.resolve()) and path.is_file():
                return str(path)
        except (OSError, RuntimeError):  # a link that leads to itself
            pass
        if name == ROLE_TEMPLATE:
            return name
        raise PlanError(f"site_template {name} is no file of the controller's directory {directory}: put it there")


def judge(
    targets: Iterable[Mapping[str, Any]], policy: Policy, *, templates: bool = True
) -> tuple[list[Target], dict[tuple[str, str], dict[str, Any]], list[RecordProblem]]:
    """Tell which targets may be used.

    Returns:
        The targets; the options that the role of each gets, by ARN and key of the target; and why others are refused.
    """
    allowed: list[Target] = []
    options: dict[tuple[str, str], dict[str, Any]] = {}
    refused: list[RecordProblem] = []
    for fields in targets:
        target = Target.from_result(fields)
        try:
            ready = policy.options(target, templates=templates)
        except AcmError as error:
            refused.append(RecordProblem.of_target(target, str(error)))
        else:
            allowed.append(target)
            # As the plan: of two that are alike the first counts.
            options.setdefault((target.certificate_arn, target.key), ready)
    return allowed, options, refused


def _check_commands(options: Mapping[str, Any]) -> None:
    found = [name for name in COMMANDS if name in options]
    if found:
        raise PlanError(
            f"{' and '.join(found)} would let whoever writes the table become root on hosts: use a service whose "
            f"commands are known (nginx, apache, haproxy, postfix, dovecot) or the option unit, or {_ALLOW}"
        )


def _check_paths(service: str, options: Mapping[str, Any]) -> None:
    site, root = options.get("site_path", ""), options.get("root", "")
    if site and not _is_site(site, SITE_DIRECTORIES.get(service, ())):
        directories = " or ".join(SITE_DIRECTORIES.get(service, ()))
        raise PlanError(
            f"site_path {site} must be a file below {directories} that ends in .conf or lies in "
            f"{' or '.join(SITE_FOLDERS)}: choose such a path, or {_ALLOW}"
        )
    if root and Path(root).name != ROOT_NAME:
        raise PlanError(f"root {root} must end in /{ROOT_NAME}: choose such a directory, or {_ALLOW}")
    for link in options.get("links", ()):
        path = link["path"]
        if not path.lower().endswith(LINK_SUFFIXES) or any(Path(path).is_relative_to(one) for one in TRUST_STORES):
            raise PlanError(
                f"links.path {path} must be the path of a certificate or key that ends in "
                f"{', '.join(LINK_SUFFIXES)}, and no trust store of the host: choose such a path, or {_ALLOW}"
            )


def _is_site(path: str, directories: Iterable[str]) -> bool:
    below = any(Path(path).is_relative_to(directory) for directory in directories)
    return below and (path.endswith(".conf") or Path(path).parent.name in SITE_FOLDERS)
