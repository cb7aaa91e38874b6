# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows hosts that do not exist: what ansible-core sends to PowerShell is read, checked, and answered by models.

The collections, their action plugins and the shell plugin are the genuine ones. Arguments are checked against the
specification in the source of the module that was sent; what the module then does is a model written from that
source, with its faults. Nothing of this ever ran on Windows. What is not modelled fails.
"""
