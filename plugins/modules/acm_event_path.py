#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_event_path
version_added: 0.1.0
short_description: Look at the path of events from EventBridge, and try it
description:
  - Follows the path that the stack of the role C(certops.acm.eventbridge) made, from the rule to its targets, their API
    destinations, connections and queues, and returns the state of each.
  - Sends a test event on request. The rule lets it through, and C(certops.acm.renew) ignores it with a clear reason.
options:
  rule:
    description: Name of the rule that matches renewals, on the default event bus.
    type: str
    required: true
  test_event:
    description: Send a test event.
    type: bool
    default: false
notes:
  - "C(no ... in this account): the stack was changed by hand; run the role certops.acm.eventbridge again."
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - certops.acm.assume_role
  - certops.acm.assume_role.attributes
attributes:
  check_mode:
    support: full
    details: No test event is sent.
  diff_mode:
    support: none
    details: Nothing is changed.
author:
  - The certops.acm authors (@certops)
"""

EXAMPLES = r"""
- name: Look at the path of events
  certops.acm.acm_event_path:
    rule: certops-acm-renewals
    region: eu-west-1
  register: path

- name: Send a test event
  certops.acm.acm_event_path:
    rule: certops-acm-renewals
    region: eu-west-1
    test_event: true
"""

RETURN = r"""
rule:
  description: The rule; null when there is none of that name.
  returned: success
  type: dict
  sample: {name: certops-acm-renewals, state: ENABLED}
targets:
  description: Where the rule sends events.
  returned: success
  type: list
  elements: dict
  contains:
    arn:
      description: ARN of the target.
      type: str
      sample: arn:aws:events:eu-west-1:111122223333:api-destination/awx/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10
    input_template:
      description: What is sent instead of the bare event.
      type: str
      sample: null
    api_destination:
      description: Name, state and endpoint. Only for a target that is one.
      type: dict
      sample: {name: awx, state: ACTIVE, endpoint: "https://awx.example.com/api/v2/job_templates/7/gitlab/"}
    connection:
      description: Its connection. The secret in it is never returned.
      type: dict
      sample: {name: awx, state: AUTHORIZED, reason: null, header: X-Gitlab-Token}
    queue:
      description: Name and number of messages. Only for a target that is a queue.
      type: dict
      sample: {name: certops-acm-queue, messages: 0}
    dead_letter_queue:
      description: Queue of the events that could not be delivered; null when there is none.
      type: dict
      sample: {name: certops-acm-dead-letters, messages: 0}
event_id:
  description: Id of the test event; null when none was sent.
  returned: success
  type: str
  sample: 5c0b7f6e-2d0a-4a0f-8b52-7a4f3f1f9d21
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError
from ansible_collections.certops.acm.plugins.module_utils.event_path import TEST_EVENT, look
from ansible_collections.certops.acm.plugins.module_utils.eventbridge import put_event
from ansible_collections.certops.acm.plugins.module_utils.service_errors import failure
from ansible_collections.certops.acm.plugins.module_utils.session import ASSUME_ROLE_SPEC, Session

ARGUMENT_SPEC: dict[str, Any] = {
    "rule": {"type": "str", "required": True},
    "test_event": {"type": "bool", "default": False},
    **ASSUME_ROLE_SPEC,
}


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    session = Session(module)
    events = session.client("events")
    path = look(events, session.client("sqs"), module.params["rule"])
    send = module.params["test_event"] and not module.check_mode
    return {"changed": False, **path, "event_id": put_event(events, TEST_EVENT) if send else None}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except AcmError as error:
        module.fail_json(**failure(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
