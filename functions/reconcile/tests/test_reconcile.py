"""`make reconcile` on the stack: it reports an account that was deleted in the pool.

It repairs nothing, because other tests use the stack.
"""

import json

from tools.laptop.client import Client


def test_a_missing_account_is_reported(client: Client) -> None:
    person = client.new_member()
    client.aws("cognito-idp").admin_delete_user(
        UserPoolId=client.outputs.user_pool_id, Username=person.email
    )
    answer = client.aws("lambda").invoke(
        FunctionName=client.outputs.functions["reconcile"],
        Qualifier="live",
        Payload=json.dumps({"repair": False, "restart": True}),
    )
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    assert told["state"] == "ended"
    assert told["found"]["missing_account"] >= 1
    assert told["found"]["not_repaired"] >= 1
