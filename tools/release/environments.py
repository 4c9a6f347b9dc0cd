"""`make environments`: the environments as the matrix of a workflow, with their account's variable."""

import json
import sys

from tools.deploy import environment


def main() -> int:
    names = [name for name in environment.names() if name != environment.LOCAL]
    print(
        json.dumps(
            [{"environment": name, "account": f"{name.upper()}_AWS_ACCOUNT_ID"} for name in names]
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
