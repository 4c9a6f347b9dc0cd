"""Numbers of published versions, which Lambda never reuses.

Importing this module patches moto, which numbers a version by the count of existing ones. After an
old version was deleted, moto would assign the newest number again.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

import copy
from typing import Any
from uuid import uuid4

from moto.awslambda.models import LambdaStorage

from local_aws.moto_state import additions


def _publish(storage: Any, name_or_arn: str, description: str = "") -> Any:
    """Publish the code and settings of $LATEST; return the newest version when nothing changed."""
    latest = storage.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
    published = storage._functions[latest.function_name]["versions"]
    if published and not latest.code_or_config_updated:
        return published[-1]
    latest.code_or_config_updated = False
    number = _next(latest, published)
    additions.change_function(latest, last_version=number)
    version = copy.copy(latest)
    version.set_version(number)
    for each in (latest, version):  # Publishing gives $LATEST and the version new revision ids.
        additions.change_function(each, revision=str(uuid4()))
    version.description = description or version.description
    published.append(version)
    storage._arns[version.function_arn] = version
    return version


def _next(latest: Any, published: list[Any]) -> int:
    last = additions.of_function(latest).last_version
    return 1 + max([last, *(int(each.version) for each in published)])


LambdaStorage.publish_version = _publish  # type: ignore[method-assign, assignment]
