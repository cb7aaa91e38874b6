# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ACM stand-in: what tests and the demo talk to instead of AWS.

Real boto3 over HTTP against moto's server, with a certificate authority of its own, ACM's state
machine, corrected Secrets Manager labels, faults on demand and a counter of every call.

Run it with ``python -m standin`` (``tests/`` on ``PYTHONPATH``); drive it with
:class:`standin.client.Standin`. ``client`` needs the standard library only.
"""
