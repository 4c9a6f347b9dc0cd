"""API keys, usage plans and throttling, set up with boto3 as in docs/runbooks/api-keys.md."""

import pytest

from local_aws_tests.api_gateway.gateway import Answer, Gateway, token
from local_aws_tests.api_gateway.usage_plan import Plan

THROTTLING = ("throttling/rateLimit", "throttling/burstLimit")


def refused(answer: Answer) -> tuple[int, str, str]:
    return answer.status, answer.json["message"], answer.headers["x-amzn-ErrorType"]


FORBIDDEN = (403, "Forbidden", "ForbiddenException")
TOO_MANY = (429, "Too Many Requests", "TooManyRequestsException")
OVER_QUOTA = (429, "Limit Exceeded", "LimitExceededException")


def test_a_route_with_an_api_key_accepts_only_enabled_keys_of_its_usage_plan(plan: Plan) -> None:
    key, value = plan.new_key()
    event = plan.call(value).json
    assert (
        event["requestContext"]["identity"]["apiKey"],
        event["requestContext"]["identity"]["apiKeyId"],
    ) == (
        value,
        key,
    )
    plan.gateway.aws.lines.clear()
    outsider = plan.client.create_api_key(name="outsider", enabled=True)
    for bad in (None, "", "made-up", value.swapcase(), outsider["value"]):
        assert refused(plan.call(bad)) == FORBIDDEN
    plan.client.delete_api_key(apiKey=outsider["id"])
    off = [{"op": "replace", "path": "/enabled", "value": "false"}]
    plan.client.update_api_key(apiKey=key, patchOperations=off)
    assert refused(plan.call(value)) == FORBIDDEN
    assert plan.gateway.aws.lines == []  # no function ran
    plan.client.update_api_key(apiKey=key, patchOperations=[off[0] | {"value": "true"}])
    assert plan.call(value).status == 200
    plan.client.delete_usage_plan_key(usagePlanId=plan.id, keyId=key)
    assert refused(plan.call(value)) == FORBIDDEN
    assert plan.call(value, path="/v1/things").status == 200  # needs no key, and passes none on
    assert "apiKey" not in plan.call(value, path="/v1/things").json["requestContext"]["identity"]


def test_a_key_for_another_stage_is_refused(plan: Plan) -> None:
    _, value = plan.new_key()
    here = f"{plan.gateway.api_id}:dev"
    plan.client.update_usage_plan(
        usagePlanId=plan.id,
        patchOperations=[
            {"op": "add", "path": "/apiStages", "value": f"{plan.gateway.api_id}:other"}
        ],
    )
    plan.client.update_usage_plan(
        usagePlanId=plan.id, patchOperations=[{"op": "add", "path": "/apiStages", "value": here}]
    )
    assert plan.call(value).status == 200
    other = plan.client.create_usage_plan(
        name="elsewhere", apiStages=[{"apiId": plan.gateway.api_id, "stage": "prod"}]
    )
    stray = plan.client.create_api_key(name="stray", enabled=True)
    plan.client.create_usage_plan_key(usagePlanId=other["id"], keyId=stray["id"], keyType="API_KEY")
    assert refused(plan.call(stray["value"])) == FORBIDDEN
    assert "no usage plan of stage dev" in plan.gateway.lines[-1]
    plan.client.delete_api_key(apiKey=stray["id"])
    plan.client.delete_usage_plan(usagePlanId=other["id"])


def test_a_key_does_not_replace_a_token_nor_a_token_a_key(plan: Plan) -> None:
    _, value = plan.new_key()
    bearer = {"Authorization": f"Bearer {token()}"}
    assert plan.call(value, path="/v1/keyed/me", **bearer).status == 200
    assert plan.call(value, path="/v1/keyed/me").status == 401
    assert plan.call(None, path="/v1/keyed/me", **bearer).status == 403


def test_a_plans_throttle_is_a_token_bucket_for_each_key(plan: Plan) -> None:
    plan.change(throttle_rateLimit=2, throttle_burstLimit=3)
    (_, first), (_, second) = plan.new_key(), plan.new_key()
    assert [plan.call(first).status for _ in range(4)] == [200, 200, 200, 429]
    assert refused(plan.call(first)) == TOO_MANY
    assert plan.call(second).status == 200
    plan.gateway.now += 1  # two more tokens, at two a second
    assert [plan.call(first).status for _ in range(3)] == [200, 200, 429]
    plan.gateway.now += 3600  # not more than the burst
    assert [plan.call(first).status for _ in range(4)] == [200, 200, 200, 429]


def test_a_plan_may_throttle_one_method_further(plan: Plan) -> None:
    _, value = plan.new_key()
    assert [plan.call(value, "PUT").status for _ in range(2)] == [200, 429]
    assert [plan.call(value).status for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("period", "later"), [("DAY", 86_400), ("WEEK", 7 * 86_400), ("MONTH", 31 * 86_400)]
)
def test_a_quota_lasts_until_its_next_period(plan: Plan, period: str, later: int) -> None:
    plan.change(quota_limit=2, quota_period=period)
    _, value = plan.new_key()
    assert [plan.call(value).status for _ in range(3)] == [200, 200, 429]
    assert refused(plan.call(value)) == OVER_QUOTA
    plan.gateway.now += later
    assert plan.call(value).status == 200


def test_the_offset_of_a_quota_is_501(plan: Plan) -> None:
    plan.change(quota_limit=2, quota_period="DAY", quota_offset=1)
    answer = plan.call(plan.new_key()[1])
    assert (answer.status, "offset" in answer.json["message"]) == (501, True)


def throttle(gateway: Gateway, method_path: str, rate: str, burst: str) -> None:
    patch = [
        {"op": "replace", "path": f"/{method_path}/{name}", "value": value}
        for name, value in zip(THROTTLING, (rate, burst), strict=True)
    ]
    gateway.aws.client("apigateway").update_stage(
        restApiId=gateway.api_id, stageName="dev", patchOperations=patch
    )


def test_each_method_of_a_stage_has_its_own_bucket_and_maybe_its_own_limit(
    gateway: Gateway,
) -> None:
    throttle(gateway, "*/*", "1", "2")
    throttle(gateway, "~1v1~1things~1{id}/GET", "1", "1")
    try:
        assert [gateway.call("GET", "/v1/things").status for _ in range(3)] == [200, 200, 429]
        assert [gateway.call("GET", f"/v1/things/{number}").status for number in range(2)] == [
            200,
            429,
        ]
        assert gateway.call("GET", "/v1/things/special").status == 200
        assert refused(gateway.call("GET", "/v1/things")) == TOO_MANY
        gateway.now += 1
        assert [gateway.call("GET", "/v1/things").status for _ in range(2)] == [200, 429]
        throttle(gateway, "*/*", "0", "0")
        assert gateway.call("GET", "/v1/things/special").status == 429
    finally:
        throttle(gateway, "*/*", "-1", "-1")
        throttle(gateway, "~1v1~1things~1{id}/GET", "-1", "-1")
    assert [gateway.call("GET", "/v1/things").status for _ in range(3)] == [200] * 3


def test_a_throttled_function_is_a_gateway_error(gateway: Gateway) -> None:
    client = gateway.aws.client("lambda")
    gateway.aws.lines.clear()
    client.put_function_concurrency(FunctionName="puppet", ReservedConcurrentExecutions=0)
    try:
        answer = gateway.call("GET", "/v1/things")
        assert refused(answer) == (500, "Internal server error", "InternalServerErrorException")
        # from the API's own DEFAULT_5XX
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert gateway.lines[-1].endswith("TooManyRequestsException: Rate Exceeded.")
        assert gateway.call("GET", "/v1/me").status == 401  # the authorizer is evaluated first
        assert gateway.aws.lines == []
    finally:
        client.delete_function_concurrency(FunctionName="puppet")
    assert gateway.call("GET", "/v1/things").status == 200
