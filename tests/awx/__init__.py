# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWX stand-in: what tests talk to instead of AWX.

``contract.json`` holds how AWX 24.6.1 was seen to answer; each case is a test of the stand-in. ::

    with Awx() as awx:                                # http://127.0.0.1:<a free port>: awx.url
        renew = awx.template("renew", webhook_service="gitlab")
        ...                                           # POST awx.door(renew, "gitlab"), key renew["webhook_key"]
        [job] = awx.jobs.wait()                       # job.status, job.variables, job.record["artifacts"]

By default a job only records its variables. ``Awx(command=Playbook(...))`` plays the template's playbook with
them. Faults: ``awx.faults.refuse(429, times=2)``, ``awx.faults.delay(6)``, ``awx.down()`` and ``awx.up()``.
What arrived, faults included, is in ``awx.seen``.
"""

from __future__ import annotations

from .faults import Faults
from .jobs import Job, Jobs, Outcome, record_only
from .playbook import Playbook
from .server import Awx, Seen
from .users import Token, User

__all__ = ["Awx", "Faults", "Job", "Jobs", "Outcome", "Playbook", "Seen", "Token", "User", "record_only"]
