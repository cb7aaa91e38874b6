# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the filters and modules for IIS share, beside what they are for."""

from __future__ import annotations


class ModuleDocFragment:
    """Sites, what a host holds, and how the modules run."""

    SITES = r"""
options:
  _input:
    description: The sites, RV(microsoft.iis.website_info#module:site).
    type: list
    elements: dict
    required: true
"""

    HELD = r"""
options:
  stores:
    description: Results of a loop of M(ansible.windows.win_certificate_info) over names of stores.
    type: list
    elements: dict
    default: []
  address:
    description: Where the controller reaches bindings of all addresses.
    type: str
    default: ""
  server_names:
    description: Names to ask for in handshakes with bindings that have no host name.
    type: list
    elements: str
    default: []
"""

    ATTRIBUTES = r"""
attributes:
  diff_mode:
    description: Shows no difference.
    support: none
  platform:
    description: Runs on Windows, over C(psrp), C(winrm) or C(ssh).
    support: full
    platforms: windows
"""
