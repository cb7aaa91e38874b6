# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules of the controller run in the process of their task, when they would run there anyway.

Ansible packs a module with all it imports, and starts a Python for it, which unpacks and compiles all that and then
imports boto3: about a second for each task, far more than AWS needs for its answer. Here the same ``main`` of the same
module is called in the worker that Ansible forks for each task, and what it prints is read as ever. Network
collections know this as direct execution (the option ``import_modules`` of ansible.netcommon).

A passphrase then reaches no other process at all. On any other host, with become, or with an interpreter that is not
the one of ansible-playbook, a module runs as all modules do.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

from ansible.module_utils import basic
from ansible.plugins.action import ActionBase

try:
    from ansible.module_utils.common.json import Direction, get_module_encoder
except ImportError:  # before ansible-core 2.19
    from ansible.module_utils.common.json import AnsibleJSONEncoder

    PROFILE: str | None = None
else:
    PROFILE = "legacy"  # what AnsiballZ takes for a module that is written in Python


class RunsHere(ActionBase):
    """An action that runs ``module`` in this process where that is the same.

    Attributes:
        module: full name of the module.
        main: its entry point.
    """

    module = ""
    main: Callable[[], None]

    def _execute_module(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        task_vars = options.get("task_vars") or {}
        if arguments or options["module_name"] != self.module or not self._is_here(task_vars):
            executed: dict[str, Any] = super()._execute_module(*arguments, **options)
            return executed
        return self._execute_here(dict(options["module_args"]), task_vars)

    def _is_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Tell whether the module would run as this user with this Python."""
        if self._connection.transport not in ("local", "ansible.builtin.local") or self._connection.become:
            return False
        host = self._task.delegate_to
        known = task_vars.get("ansible_delegated_vars", {}).get(host, {}) if host else task_vars
        interpreter = self._templar.template(known.get("ansible_python_interpreter", "auto"))
        return bool(interpreter == task_vars.get("ansible_playbook_python"))

    def _execute_here(self, arguments: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        self._update_module_args(self.module, arguments, task_vars)
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        printed = io.StringIO()
        with (
            mock.patch.dict(os.environ, {name: str(value) for name, value in environment.items()}),
            _arguments(arguments),
            contextlib.redirect_stdout(printed),
            contextlib.suppress(SystemExit),
        ):
            type(self).main()
        returned = {"stdout": printed.getvalue(), "stderr": "", "rc": 0}
        parsed: Any = self._parse_returned_data(returned, *([PROFILE] if PROFILE else []))
        if not isinstance(parsed, dict):  # ansible-core 2.21 and later
            parsed.remove_internal_keys()
            return dict(parsed.as_result_dict(for_round_trip=True))
        return {name: value for name, value in parsed.items() if not name.startswith("_ansible_")}


class HereAction(RunsHere):
    """Does nothing but run ``module``."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        result.update(self._execute_module(module_name=self.module, module_args=arguments, task_vars=task_vars))
        return result


@contextlib.contextmanager
def _arguments(arguments: Mapping[str, Any]) -> Iterator[None]:
    """Hand arguments over as Ansible's own wrapper of a module does."""
    encoder: Any = (
        AnsibleJSONEncoder if PROFILE is None else get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)
    )
    options: dict[str, Any] = {"vault_to_text": True} if PROFILE is None else {}
    text = json.dumps({"ANSIBLE_MODULE_ARGS": dict(arguments)}, cls=encoder, **options)
    given: dict[str, Any] = {"_ANSIBLE_ARGS": text.encode()}
    if PROFILE is not None:
        given["_ANSIBLE_PROFILE"] = PROFILE
    with mock.patch.multiple(basic, **given):
        yield
