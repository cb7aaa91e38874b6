# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API destinations keep EventBridge's rules; what is done to a door, the door itself tells.

Other tests are only worth as much as these: what EventBridge would not deliver must not be delivered here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from delivery import HUB, Delivery
from delivery.door import Door
from delivery.samples import sample
from delivery.targets import ApiDestination, TargetError
from standin.client import Standin

Deliver = Callable[..., Delivery]
RENEWAL = sample("available-renewal-bool")
OTHER = "444455556666"
DAY = 86400.0


# What is sent


def test_the_webhook_gets_the_event_as_it_is(deliver: Deliver, door: Door) -> None:
    delivery = deliver()
    delivery.send(RENEWAL)
    (tried,) = delivery.deliver_pending()
    (request,) = door.requests
    assert (tried.delivered, tried.status, tried.event_id) == (True, 201, RENEWAL["id"])
    assert (request.path, request.json) == ("/api/v2/job_templates/7/gitlab/", RENEWAL)
    assert request.headers["X-Gitlab-Token"] == "a-secret" and "Authorization" not in request.headers
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"


def test_launch_gets_the_event_as_a_variable_and_a_token(deliver: Deliver, door: Door) -> None:
    delivery = deliver("awx_launch")
    delivery.send(sample("available-renewal-strings", detail={"Action": "RENEWAL", "CommonName": 'a"b\\{{ 7*7 }}'}))
    delivery.deliver_pending()
    (request,) = door.requests
    assert request.path == "/api/v2/job_templates/7/launch/" and request.headers["Authorization"] == "Bearer a-secret"
    assert list(request.json) == ["extra_vars"] and list(request.json["extra_vars"]) == ["acm_event"]
    assert request.json["extra_vars"]["acm_event"]["detail"]["CommonName"] == 'a"b\\{{ 7*7 }}'


def test_the_secret_may_come_from_secrets_manager(deliver: Deliver, door: Door, standin: Standin) -> None:
    client = standin.client("secretsmanager")
    made = client.create_secret(Name="awx", SecretString='{"token": "from-secrets-manager"}')
    delivery = deliver("awx_launch", Secret="", SecretArn=made["ARN"], SecretKey="token")
    delivery.send(RENEWAL)
    delivery.deliver_pending()
    assert door.requests[0].headers["Authorization"] == "Bearer from-secrets-manager"


def test_what_acm_sends_arrives_once(deliver: Deliver, door: Door, standin: Standin) -> None:
    delivery = deliver()
    arn = standin.request("shop.example.com")
    standin.renew(arn, force=True)
    standin.request("far.example.com", region="us-east-1")
    standin.request("other.example.com", account=OTHER)
    delivery.deliver_pending()
    delivery.deliver_pending()
    # At the same time, in no order: so does EventBridge.
    assert sorted(request.json["detail"]["Action"] for request in door.requests) == ["ISSUANCE", "RENEWAL"]
    assert {request.json["resources"][0] for request in door.requests} == {arn}


def test_an_answer_of_2xx_is_the_end_of_it(deliver: Deliver, door: Door) -> None:
    door.answers = [202]
    delivery = deliver()
    delivery.send(RENEWAL)
    assert [tried.delivered for tried in delivery.deliver_pending()] == [True]


# Failures


@pytest.mark.parametrize("status", [401, 407, 409, 429, 500, 502, 503])
def test_these_answers_are_tried_again(deliver: Deliver, door: Door, status: int) -> None:
    door.answers = [status, status, 201]
    delivery = deliver()
    delivery.send(RENEWAL)
    tried = delivery.deliver_pending()
    assert [one.status for one in tried] == [status, status, 201]
    assert [one.at for one in tried] == [0.0, 1.0, 3.0]
    assert delivery.dead_letters() == []


@pytest.mark.parametrize("status", [301, 400, 403, 404, 405])
def test_these_answers_are_final(deliver: Deliver, door: Door, status: int) -> None:
    door.answers = [status, 201]
    delivery = deliver()
    delivery.send(RENEWAL)
    delivery.deliver_pending()
    (letter,) = delivery.dead_letters()
    assert len(door.requests) == 1 and letter.event == RENEWAL
    assert str(status) in letter.attributes["ERROR_MESSAGE"]
    assert letter.attributes["RULE_ARN"].endswith(":rule/certops-renewals")
    assert letter.attributes["TARGET_ARN"].split("/")[0].endswith(":api-destination")
    assert "EXHAUSTED_RETRY_CONDITION" not in letter.attributes


def test_an_answer_that_comes_too_late_is_tried_again(deliver: Deliver, door: Door) -> None:
    """The door did the work both times: what EventBridge calls a failure may have had its effect."""
    door.seconds = 1.5
    delivery = deliver(timeout=0.5, MaximumRetries="1")
    delivery.send(RENEWAL)
    tried = delivery.deliver_pending()
    assert [(one.status, one.delivered) for one in tried] == [(0, False), (0, False)]
    assert len(door.requests) == 2
    (letter,) = delivery.dead_letters()
    assert letter.attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"


def test_the_time_limit_is_5_seconds(standin: Standin) -> None:
    delivery = Delivery(HUB, {"Endpoint": "https://awx.example.com/", "Secret": "x"}, standin)
    limits = [found.timeout for found in delivery.attempts.values() if isinstance(found, ApiDestination)]
    assert limits == [5.0]


def test_a_door_that_is_down_for_an_hour_loses_nothing(deliver: Deliver, door: Door) -> None:
    door.answers = [503]
    delivery = deliver(InvocationRate="10")
    delivery.send(*[sample("available-renewal-bool", id=str(number)) for number in range(5)])
    down = delivery.deliver_pending(3600)
    assert down and not any(tried.delivered for tried in down) and delivery.dead_letters() == []
    door.answers = [201]
    up = delivery.deliver_pending()
    assert sorted(tried.event_id for tried in up if tried.delivered) == list("01234")
    assert max(tried.at for tried in up) < 3600 + 700


def test_after_a_day_an_event_is_given_up(deliver: Deliver, door: Door) -> None:
    door.answers = [500]
    delivery = deliver()
    delivery.send(RENEWAL)
    tried = delivery.deliver_pending()
    (letter,) = delivery.dead_letters()
    assert letter.attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
    assert DAY - 700 < tried[-1].at <= DAY and 100 < len(tried) <= 186


def test_retries_end_where_the_policy_says(deliver: Deliver, door: Door) -> None:
    door.answers = [500]
    delivery = deliver(MaximumRetries="3")
    delivery.send(RENEWAL)
    assert len(delivery.deliver_pending()) == 4
    (letter,) = delivery.dead_letters()
    assert letter.attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert letter.attributes["RETRY_ATTEMPTS"] == "3"


def test_a_dead_letter_queue_without_its_policy_loses_events(deliver: Deliver, door: Door, tmp_path: Path) -> None:
    door.answers = [404]
    spoiled = tmp_path / "hub.template"
    spoiled.write_text(HUB.read_text().replace("[!GetAtt RenewalRule.Arn, !GetAtt AlertRule.Arn]", "[]"))
    delivery = deliver(template=spoiled)
    delivery.send(RENEWAL)
    delivery.deliver_pending()
    assert delivery.lost == [RENEWAL] and delivery.dead_letters() == []


def test_a_target_without_its_role_is_refused(deliver: Deliver, tmp_path: Path) -> None:
    spoiled = tmp_path / "hub.template"
    spoiled.write_text(HUB.read_text().replace("            RoleArn: !GetAtt DeliveryRole.Arn\n", ""))
    with pytest.raises(TargetError, match="no AWS::IAM::Role"):
        deliver(template=spoiled)


def test_a_disabled_rule_delivers_nothing(deliver: Deliver, door: Door, tmp_path: Path) -> None:
    spoiled = tmp_path / "hub.template"
    head = "Type: AWS::Events::Rule\n    Properties:\n"
    spoiled.write_text(HUB.read_text().replace(head, f"{head}      State: DISABLED\n"))
    delivery = deliver(template=spoiled)
    delivery.send(RENEWAL, sample("expired"))
    assert delivery.deliver_pending() == [] and door.requests == []


def test_plain_http_is_for_this_machine_only() -> None:
    with pytest.raises(TargetError, match="is not https"):
        ApiDestination("http://awx.example.com/", "POST", ("X-Gitlab-Token", "x"), 5.0)("{}", {})
