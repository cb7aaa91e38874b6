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
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.plan import SERVICES
from ansible_collections.certops.acm.plugins.module_utils.text import shown
from ansible_collections.certops.acm.plugins.plugin_utils.option_rules import check_values

# Roles that include file_certificate, and so take its options, too.
PRESETS = ("nginx_certificate", "apache_certificate")

# Variables of a role that the other fields of a target say, or the run.
NO_OPTIONS = ("arn", "name", "state", "options", "preset")

# Secrets of the roles, and the variable that a run is given instead: no target keeps one.
SECRETS = {"pkcs12_password": "certificate_pkcs12_password", "central_password": "certificate_pkcs12_password"}

_DIGITS = re.compile(r"-?[0-9]{1,9}")
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


def read_options(service: str, options: Any) -> dict[str, Any]:
    """Return the options of a target with the types that the role of the service gives them, each of them checked.

    What was judged is what a role gets: a text that Ansible would turn into a list is a list here. Defaults are left
    to the role. The options of a service that is not known are not judged, and there is no role that takes them.

    Raises:
        PlanError: they are not what the role of the service takes.
    """
    if not isinstance(options, Mapping):
        example = json.dumps({"certificate_options": {"config": "snippet"}})
        raise PlanError(f"certificate_options is no dictionary but {shown(options)}: give it as in -e '{example}'")
    if service not in SERVICES or not options:
        return {}
    known = options_of(service)
    for name in options.keys() & SECRETS:
        raise PlanError(
            f"certificate_options has {name}, a secret, which no target keeps: "
            f"give the variable {SECRETS[name]} to each run instead"
        )
    strange = [shown(name) for name in options if name not in known]
    if strange:
        raise PlanError(
            f"certificate_options has {', '.join(strange[:10])}, which service {service} does not know: "
            f"it takes {', '.join(sorted(known))}"
        )
    try:
        return _read(service, options)
    except PlanError as error:
        raise PlanError(f"certificate_options of service {service}: {error}") from None


def _read(service: str, options: Mapping[str, Any]) -> dict[str, Any]:
    _check_unparsed(options, options_of(service))
    checked = _validator(service).validate(dict(options))
    if checked.error_messages:
        raise PlanError(shown("; ".join(checked.error_messages), 500))
    read = {name: _without_none(checked.validated_parameters[name]) for name in options}
    check_values(read)
    return read


def _check_unparsed(options: Mapping[str, Any], specs: Mapping[str, Any]) -> None:
    """Refuse what Ansible would parse at any price: a text for a dictionary, however deep, and 1e999999999."""
    for name, value in options.items():
        spec = specs.get(name, {})
        if spec.get("elements") == "dict":
            if not isinstance(value, (list, tuple)) or not all(isinstance(one, Mapping) for one in value):
                raise PlanError(f"'{name}' must be a list of dictionaries")
            for one in value:
                _check_unparsed(one, spec["options"])
        elif spec.get("type") == "int" and not isinstance(value, int) and not _DIGITS.fullmatch(str(value)):
            raise PlanError(f"'{name}' must be a whole number")


def _without_none(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_none(entry) for entry in value]
    if isinstance(value, dict):
        return {name: entry for name, entry in value.items() if entry is not None}
    return value


@functools.cache
def _validator(service: str) -> ArgumentSpecValidator:
    return ArgumentSpecValidator(_as_written(options_of(service)))


def _as_written(specs: Mapping[str, Any]) -> dict[str, Any]:
    """Paths are text here: as type path, ~ and $HOME would become those of the controller."""
    return {
        name: {
            **spec,
            **({"type": "str"} if spec.get("type") == "path" else {}),
            **({"options": _as_written(spec["options"])} if "options" in spec else {}),
        }
        for name, spec in specs.items()
    }
