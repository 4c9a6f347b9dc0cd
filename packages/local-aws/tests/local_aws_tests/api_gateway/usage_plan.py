"""A usage plan of the stage, with keys as in docs/runbooks/api-keys.md."""

from dataclasses import dataclass, field
from typing import Any

from local_aws_tests.api_gateway.gateway import Answer, Gateway


@dataclass
class Plan:
    gateway: Gateway
    client: Any
    id: str
    keys: list[str] = field(default_factory=list)

    def new_key(self, **options: Any) -> tuple[str, str]:
        """Create a key. Return its id and its value."""
        key = self.client.create_api_key(name="example", enabled=True, **options)["id"]
        self.keys.append(key)
        self.client.create_usage_plan_key(usagePlanId=self.id, keyId=key, keyType="API_KEY")
        return key, self.client.get_api_key(apiKey=key, includeValue=True)["value"]

    def change(self, **values: Any) -> None:
        """Change the plan; `throttle_rateLimit=…` stands for the path /throttle/rateLimit."""
        patch = [
            {"op": "replace", "path": "/" + path.replace("_", "/"), "value": str(v)}
            for path, v in values.items()
        ]
        self.client.update_usage_plan(usagePlanId=self.id, patchOperations=patch)

    def call(
        self, value: str | None, method: str = "GET", path: str = "/v1/keyed", **headers: str
    ) -> Answer:
        given = [*headers.items(), *([("X-API-Key", value)] if value is not None else [])]
        return self.gateway.call(method, path, headers=given)
