# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a target, judged by the argument specifications of the roles that read them.

A role reads an option under its name without the prefix, ``config`` for ``nginx_certificate_config``. Whatever is
recorded with a target is used by each renewal, so what no role can use is refused before.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.plan import SERVICES

# Roles that include file_certificate, and so take its options, too.
PRESETS = ("nginx_certificate", "apache_certificate")

# Variables of a role that the other fields of a target say, or the run.
NO_OPTIONS = ("arn", "name", "state", "options", "preset")

# Secrets of the roles, and the variable that a run is given instead: no target keeps one.
SECRETS = {"pkcs12_password": "certificate_pkcs12_password", "central_password": "certificate_pkcs12_password"}

_ROLES = Path(__file__).resolve().parents[2] / "roles"


@functools.cache
def options_of(service: str) -> dict[str, dict[str, Any]]:
    """Return the specifications of the options that a target of a service may have, by name; no secrets."""
    role = SERVICES[service]
    return _options("file_certificate") | _options(role) if role in PRESETS else _options(role)


def _options(role: str) -> dict[str, dict[str, Any]]:
    written = yaml.safe_load((_ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = written["argument_specs"]["main"]["options"]
    named = {name.removeprefix(f"{role}_"): spec for name, spec in options.items() if not spec.get("no_log")}
    return {name: spec for name, spec in named.items() if name not in NO_OPTIONS}


def check_options(service: str, options: Any) -> None:
    """Check names, types and choices of the options of a target. A service that is not known is not judged.

    Raises:
        PlanError: they are not what the role of the service takes.
    """
    if not isinstance(options, Mapping):
        example = json.dumps({"certificate_options": {"config": "snippet"}})
        raise PlanError(f"certificate_options is no dictionary but {options!r}: give it as in -e '{example}'")
    if service not in SERVICES:
        return
    known = options_of(service)
    for name in options.keys() & SECRETS:
        raise PlanError(
            f"certificate_options has {name}, a secret, which no target keeps: "
            f"give the variable {SECRETS[name]} to each run instead"
        )
    strange = [str(name) for name in options if name not in known]
    if strange:
        raise PlanError(
            f"certificate_options has {', '.join(strange)}, which service {service} does not know: "
            f"it takes {', '.join(sorted(known))}"
        )
    errors = ArgumentSpecValidator(known).validate(dict(options)).error_messages
    if errors:
        raise PlanError(f"certificate_options of service {service}: {'; '.join(errors)}")
