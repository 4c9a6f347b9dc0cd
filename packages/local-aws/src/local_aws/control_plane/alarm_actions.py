"""Actions and history of CloudWatch alarms: a changed state is published to the alarm's topics.

Importing this module patches moto, which changes the state and does nothing more. CloudWatch needs
the topic's policy, and the policy of the topic's key, to admit it. The history shows the outcome.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from moto.cloudwatch.models import Alarm
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.kms.models import kms_backends
from moto.sns.models import Topic, sns_backends

from local_aws.iam.resource_policies import admits
from local_aws.settings import ACCOUNT_ID

CLOUDWATCH = "cloudwatch.amazonaws.com"
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
# The texts of an alarm's history:
# https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger,
# https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns
EXECUTED = "Successfully executed action {action}"
FAILED = 'Failed to execute action {action}. Received error: "{error}"'
NO_KEY = "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."
NO_PUBLISH = "Resource: {alarm} is not authorized to perform: SNS:Publish on resource: {topic}"


_update_state: Any = Alarm.update_state


def _changed(alarm: Any, reason: str, reason_data: str, state: str) -> None:
    """Change the state; only a state that differs from the one before has actions."""
    before = alarm.state_value
    _update_state(alarm, reason, reason_data, state)
    alarm.history.pop()  # discard moto's entry; `_note` adds ours
    if state == before:
        return
    _note(alarm, "StateUpdate", f"Alarm updated from {before} to {state}")
    actions = {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions}
    for action in (
        actions.get(state, alarm.insufficient_data_actions) if alarm.actions_enabled else ()
    ):
        error = _act(alarm, action, before)
        text = EXECUTED if error is None else FAILED
        _note(alarm, "Action", text.format(action=action, error=error))


def _note(alarm: Any, kind: str, summary: str) -> None:
    item = {
        "AlarmName": alarm.name,
        "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
        "Timestamp": utcnow(),
        "HistoryItemType": kind,
        "HistorySummary": summary,
        "HistoryData": json.dumps({"version": "1.0", "type": kind}),
    }
    alarm.history.append(item)


def _act(alarm: Any, action: str, before: str) -> str | None:
    """Publish to a topic. Return the error for the alarm's history, or None."""
    topic = sns_backends[ACCOUNT_ID][alarm.region_name].topics.get(action)
    if topic is None:
        return f"{action} is no topic of this region; other actions are not emulated"
    if not _is_admitted(alarm, json.loads(topic.policy), "sns:Publish", topic.arn):
        return NO_PUBLISH.format(alarm=alarm.alarm_arn, topic=topic.arn)
    if topic.kms_master_key_id and not _may_use_key(alarm, topic):
        return NO_KEY
    topic.publish(json.dumps(_message(alarm, before)), subject=_subject(alarm))
    return None


def _may_use_key(alarm: Any, topic: Topic) -> bool:
    if topic.kms_master_key_id.startswith("alias/aws/"):  # an AWS managed key, for SNS alone
        return False
    key = kms_backends[ACCOUNT_ID][alarm.region_name].describe_key(topic.kms_master_key_id)
    policy = json.loads(key.policy)
    return key.enabled and all(
        _is_admitted(alarm, policy, action, key.arn) for action in KEY_ACTIONS
    )


def _is_admitted(alarm: Any, policy: dict[str, Any], action: str, resource: str) -> bool:
    return admits(policy["Statement"], CLOUDWATCH, alarm.alarm_arn, action, resource)


def _subject(alarm: Any) -> str:
    return f'{alarm.state_value}: "{alarm.name}" in {alarm.region_name}'[:100]


def _message(alarm: Any, before: str) -> dict[str, Any]:
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": ACCOUNT_ID,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": alarm.state_updated_timestamp.isoformat(),
        "Region": alarm.region_name,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
    }


def _describe_alarm_history(response: Any) -> ActionResult:
    """Answer DescribeAlarmHistory, newest first unless ScanBy says otherwise."""
    ascending = response._get_param("ScanBy") == "TimestampAscending"
    found = sorted(_found(response), key=lambda item: item["Timestamp"], reverse=not ascending)
    start = int(response._get_param("NextToken") or 0)
    end = start + int(response._get_param("MaxRecords") or 100)
    result: dict[str, Any] = {"AlarmHistoryItems": found[start:end]}
    return ActionResult(result | ({"NextToken": str(end)} if end < len(found) else {}))


def _found(response: Any) -> Iterator[dict[str, Any]]:
    names = response._get_param("AlarmName")
    kind = response._get_param("HistoryItemType")
    types = response._get_param("AlarmTypes") or ["MetricAlarm"]
    first, last = response._get_param("StartDate"), response._get_param("EndDate")
    for alarm in response.cloudwatch_backend.alarms.values():
        for item in alarm.history:
            if (
                names in (None, alarm.name)
                and kind in (None, item["HistoryItemType"])
                and item["AlarmType"] in types
                and _is_between(first, item["Timestamp"], last)
            ):
                yield item


def _is_between(first: Any, moment: datetime, last: Any) -> bool:
    bounds = [each.replace(tzinfo=None) if each else None for each in (first, last)]
    return (bounds[0] is None or bounds[0] <= moment) and (bounds[1] is None or moment <= bounds[1])


Alarm.update_state = _changed  # type: ignore[method-assign, assignment]
CloudWatchResponse.describe_alarm_history = _describe_alarm_history  # type: ignore[attr-defined]
