"""GET and PATCH /v1/me of many people, by the service's own code, until stdin closes; then says in JSON how it went.

`python -m tests.migrations.traffic <uid> <uid> …`, with the environment of a function that speaks to Postgres.
"""

import json
import random
import sys
import threading

from atrium.stores import postgres
from users import profile


def main(uids: list[str]) -> None:
    over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    requests = 0
    failed: list[str] = []
    while not over.is_set():
        uid = random.choice(uids)  # noqa: S311
        try:
            found = profile.find(uid)
            assert found
            profile.change(
                uid, {"locale": f"en-{requests % 90 + 10}"}, None, uid, f"request-{requests}"
            )
        except (postgres.DatabaseError, postgres.DatabaseUnavailableError) as error:
            failed.append(str(error))
        requests += 2
        if requests == 2:
            print("ready", flush=True)
    print(json.dumps({"requests": requests, "failed": failed}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
