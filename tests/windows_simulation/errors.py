# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the simulation raises."""

from __future__ import annotations


class NotModelled(Exception):
    """Something reached the host that no model stands for: the test must fail, and say what it was."""


class ModuleFailed(Exception):
    """A module fails as it would on Windows; the text is its ``msg``."""


class HostAway(Exception):
    """The host does not answer."""
