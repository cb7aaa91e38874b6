# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print the certificate that ACM holds under an ARN, asked without any code of this collection."""

from __future__ import annotations

import sys

import boto3

arn = sys.argv[1]
acm = boto3.client("acm", region_name=arn.split(":")[3])
print(acm.get_certificate(CertificateArn=arn)["Certificate"])
