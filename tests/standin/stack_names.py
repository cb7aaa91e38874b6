# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and ARNs of a stack's resources, as AWS makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMING = ("Name", "RoleName", "ManagedPolicyName", "Path")
"""The properties that an ARN is made of."""


@dataclass(frozen=True)
class Place:
    """Where a stack is."""

    stack: str
    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def attributes(place: Place, kind: str, logical_id: str, properties: Mapping[str, Any]) -> dict[str, str]:
    """What a template can ask of a resource. AWS ends names of its own making in something random; not so here."""
    given = [properties[name] for name in NAMING[:-1] if properties.get(name)]
    name = str(given[0] if given else f"{place.stack}-{logical_id}")
    path = properties.get("Path") or "/"
    queue_url = f"https://sqs.{place.region}.amazonaws.com/{place.account}/{name}"
    topic = place.arn("sns", name)
    unique = "00000000-0000-4000-8000-000000000000"
    known = {
        "AWS::Events::Rule": {"Ref": name, "Arn": place.arn("events", f"rule/{name}")},
        "AWS::Events::Connection": {"Ref": name, "Arn": place.arn("events", f"connection/{name}/{unique}")},
        "AWS::Events::ApiDestination": {"Ref": name, "Arn": place.arn("events", f"api-destination/{name}/{unique}")},
        "AWS::IAM::Role": {"Ref": name, "Arn": f"arn:aws:iam::{place.account}:role{path}{name}"},
        "AWS::IAM::ManagedPolicy": {"Ref": f"arn:aws:iam::{place.account}:policy{path}{name}"},
        "AWS::SQS::Queue": {"Ref": queue_url, "Arn": place.arn("sqs", name), "QueueName": name},
        "AWS::SNS::Topic": {"Ref": topic, "TopicArn": topic},
        "AWS::CloudWatch::Alarm": {"Ref": name, "Arn": place.arn("cloudwatch", f"alarm:{name}")},
    }
    return known.get(kind, {"Ref": name})
