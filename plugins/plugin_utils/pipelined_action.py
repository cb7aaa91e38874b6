# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action whose module's arguments never touch a disk, on the controller or on the host."""

from __future__ import annotations

import re
from typing import Any

from ansible import constants, context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

# What every module returns, and what Ansible adds for the way to the screen.
_OF_ANY_MODULE = frozenset(
    [
        "changed",
        "failed",
        "msg",
        "rc",
        "skipped",
        "unreachable",
        "diff",
        "warnings",
        "deprecations",
        "exception",
        "invocation",
        "module_stderr",
        "module_stdout",
        "operation",
        "error_code",
        "resource_actions",
        "_ansible_no_log",
        "_ansible_parsed",
        "_ansible_verbose_always",
    ]
)

# Variables of the roles that hold a secret.
_SECRETS = re.compile(
    r"\b((?:certificate|file_certificate)_(?:pkcs12_password|passphrase)|iis_certificate_(?:central_password|passphrase))"
    r"['\"]?\s*[=:]"
)


class Pipelined(ActionBase):
    """Can pipeline modules, whatever the configuration says, or refuses to run.

    Without pipelining Ansible writes a module with its arguments to a file on the controller and
    another one on the host. This turns it on for the task at hand only.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def pipelined(self) -> _pipelining:
        """Return a context in which every module of this action is pipelined."""
        return _pipelining(self)

    def _refuse_files(self) -> None:
        """Fail where the arguments would be left in a file or shown."""
        name = self._task.action
        if self._task.async_val:
            raise AnsibleActionFail(
                f"{name} does not run with async, because Ansible keeps the arguments of such tasks, and with them "
                "the secrets, in a file: remove async from the task"
            )
        if constants.DEFAULT_KEEP_REMOTE_FILES:
            raise AnsibleActionFail(
                f"{name} does not run while ANSIBLE_KEEP_REMOTE_FILES (keep_remote_files) is set, because its "
                "arguments, and with them the secrets, would be left in a file: unset it"
            )
        if constants.DEFAULT_DEBUG:
            raise AnsibleActionFail(
                f"{name} does not run while ANSIBLE_DEBUG is set, because Ansible then prints the arguments of each "
                "module, and with them the secrets: unset it and use -vvv instead"
            )
        if shown := _on_the_command_line():
            raise AnsibleActionFail(
                f"{shown} was given on the command line, where every user of the controller sees it (ps), and -vvvv "
                "prints it: write it to a file that ansible-vault encrypts, give that with -e @FILE, and change it"
            )


def _on_the_command_line() -> str | None:
    """Return the name of a secret variable that an option -e holds itself; a file (-e @FILE) shows nothing."""
    given = [option for option in context.CLIARGS.get("extra_vars") or () if not option.startswith("@")]
    found = (_SECRETS.search(option) for option in given)
    return next((match[1] for match in found if match), None)


class PipelinedAction(Pipelined):
    """Runs ``module``, pipelined, with the arguments that ``prepare`` makes.

    Attributes:
        module: its full name.
        returns: what it may return. Ansible acts on some keys of a result, whichever module returned them
            (``add_host``, ``ansible_facts`` and others), and root of a host may answer anything.
    """

    module = ""
    returns: frozenset[str] = frozenset()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        self._refuse_files()
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.prepare(dict(self._task.args))
        if arguments.get("failed"):
            return {**result, **arguments}
        with self.pipelined():
            returned = self._execute_module(module_name=self.module, module_args=arguments, task_vars=task_vars)
        return {**result, **{name: value for name, value in returned.items() if name in self.returns | _OF_ANY_MODULE}}

    def prepare(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments for the module, or a failed result."""
        return arguments


class _pipelining:
    """Pipelining on, inside a ``with`` block."""

    def __init__(self, action: Pipelined) -> None:
        self._action = action
        self._connection = action._connection
        self._before: Any = None
        self._has_option = False

    def __enter__(self) -> None:
        try:
            self._before = self._connection.get_option("pipelining")
            self._has_option = True
            self._connection.set_option("pipelining", True)
        except (KeyError, AttributeError, ValueError):  # what ansible-core itself expects of a plugin without it
            self._before = self._action._play_context.pipelining
            self._action._play_context.pipelining = True
        if not self._action._is_pipelining_enabled("new", False):
            self.__exit__()
            become = self._connection.become
            who = f"the connection {self._connection.transport}"
            if become is not None and self._connection.has_pipelining:
                who = f"the become method {become.name}"
            raise AnsibleActionFail(
                f"{who} cannot pipeline, so the arguments of {self._action._task.action}, and with them the secrets, "
                "would be left in a file: use the connection ssh and the become method sudo for this task"
            )

    def __exit__(self, *exception: object) -> None:
        if self._has_option:
            self._connection.set_option("pipelining", self._before)
        else:
            self._action._play_context.pipelining = self._before
