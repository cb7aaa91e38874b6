#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sqs_message
short_description: Delete a received message from an SQS queue, or give it back
version_added: 0.1.0
author:
  - The certops.acm authors (@certops)
description:
  - For a message that another process received, such as the event source C(certops.acm.acm_queue), and
    whose work is done or has failed. A message that is neither deleted nor given back comes again when its
    visibility timeout is over.
options:
  queue_url:
    description: URL of the queue.
    type: str
    required: true
  receipt_handle:
    description: The receipt handle that came with the message.
    type: str
    required: true
  state:
    description:
      - V(absent) deletes the message.
      - V(returned) lets it come again after O(delay). A queue with a redrive policy moves it to its dead-letter queue
        when it came too often.
    type: str
    choices: [absent, returned]
    default: absent
  delay:
    description: Seconds until a returned message can be received again, at most 43200.
    type: int
    default: 60
extends_documentation_fragment:
  - certops.acm.assume_role
  - certops.acm.assume_role.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: The work is done
  certops.acm.sqs_message:
    queue_url: "{{ message.queue_url }}"
    receipt_handle: "{{ message.receipt_handle }}"

- name: Try again in five minutes
  certops.acm.sqs_message:
    queue_url: "{{ message.queue_url }}"
    receipt_handle: "{{ message.receipt_handle }}"
    state: returned
    delay: 300
"""

RETURN = r"""
state:
  description: What became of the message.
  returned: success
  type: str
  sample: absent
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.certops.acm.plugins.module_utils import sqs
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError
from ansible_collections.certops.acm.plugins.module_utils.service_errors import failure
from ansible_collections.certops.acm.plugins.module_utils.session import ASSUME_ROLE_SPEC, Session

ARGUMENT_SPEC: dict[str, Any] = {
    "queue_url": {"type": "str", "required": True},
    "receipt_handle": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["absent", "returned"], "default": "absent"},
    "delay": {"type": "int", "default": 60},
    **ASSUME_ROLE_SPEC,
}


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    params = module.params
    if not module.check_mode:
        client = Session(module).client("sqs")
        if params["state"] == "absent":
            sqs.delete_message(client, url=params["queue_url"], receipt_handle=params["receipt_handle"])
        else:
            sqs.change_visibility(
                client, url=params["queue_url"], receipt_handle=params["receipt_handle"], seconds=params["delay"]
            )
    return {"changed": True, "state": params["state"]}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except AcmError as error:
        module.fail_json(**failure(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
