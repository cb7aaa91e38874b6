# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EventBridge does with an event after ACM sent it, for a stack as the shipped template describes it.

Rule patterns, input transformers, connections, API destinations over real HTTP with the time limit, retries,
rate limit and dead-letter queue, queues and topics. Usage::

    with Standin() as aws:
        parameters = {"Door": "awx_webhook", "Endpoint": "https://awx.example.com/api/.../", "Secret": "key"}
        delivery = Delivery(HUB, parameters, aws, reroute={"https://awx.example.com": "http://127.0.0.1:8052"})
        aws.renew(arn)
        delivery.deliver_pending()

``Delivery.of_stack("name", aws, ...)`` takes a stack that the role ``eventbridge`` made in the stand-in.
"""

from .clock import Clock
from .delivery import HUB, MEMBER, Delivery

__all__ = ["HUB", "MEMBER", "Clock", "Delivery"]
