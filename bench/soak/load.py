"""Callers that send requests without a pause, each with its own thread and connection."""

import http.client
import itertools
import threading
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Load:
    """The running callers. `answers` counts answers by status; 0 stands for a broken connection."""

    api_url: str
    token: str
    paths: tuple[str, ...]
    answers: Counter[int] = field(default_factory=Counter)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _callers: list[threading.Thread] = field(default_factory=list)

    def start(self, callers: int) -> None:
        for number in range(callers):
            caller = threading.Thread(target=self._call, args=(number,), daemon=True)
            self._callers.append(caller)
            caller.start()

    def stop(self) -> None:
        self._stopping.set()
        for caller in self._callers:
            caller.join(60)

    def _call(self, number: int) -> None:
        connection = http.client.HTTPConnection(
            urlsplit(self.api_url).netloc, timeout=35
        )  # API Gateway's timeout is 29 s
        for path in itertools.islice(itertools.cycle(self.paths), number, None):
            if self._stopping.is_set():
                break
            self.answers[self._status(connection, path)] += 1
        connection.close()

    def _status(self, connection: http.client.HTTPConnection, path: str) -> int:
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            with connection.getresponse() as answer:
                answer.read()
                return answer.status
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0
