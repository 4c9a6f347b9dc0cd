"""A worker: a process with AWS's runtime client, and the Runtime API endpoint that serves it.

Protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import json
import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from local_aws.lambda_service.deployed import Credentials, DeployedFunction
from local_aws.lambda_service.egress import Egress
from local_aws.lambda_service.environment import Interpreter, worker_environment, wrapper_of
from local_aws.lambda_service.function_log import FunctionLogs, new_stream
from local_aws.lambda_service.memory import Memory
from local_aws.lambda_service.output import Output
from local_aws.lambda_service.runtime_api import ACCEPTED, NOT_FOUND, Answer, RuntimeApi, Send
from local_aws.settings import LOOPBACK

INIT_SECONDS = 10.0  # AWS's limit for the init phase
WATCH_SECONDS = 0.01  # a shorter invocation is not watched, because that costs two system calls
RESPONSE_LIMIT = 6_291_556  # AWS's limit for a synchronous response, in bytes


class Event(msgspec.Struct, frozen=True):
    """An invocation as the worker gets it."""

    request_id: str
    payload: bytes
    invoked_arn: str
    trace_header: str
    client_context: str | None = None
    source: str | None = None  # the AWS service that called, as a principal


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of an invocation.

    `note` is the platform's own log line; `status` is the status in REPORT.
    """

    payload: bytes
    function_error: str | None = None
    note: str | None = None
    status: str | None = None
    error_type: str | None = None  # only of a worker that ended


class InitError(Exception):
    """A worker that ended or failed before it asked for its first event.

    `payload` is the answer of Invoke.
    """

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload.decode(errors="replace"))
        self.payload = payload
        self.output: list[str] = []  # the newest output of the worker
        self.log_stream = ""
        self.init_ms = 0.0

    @property
    def type(self) -> str:
        return str(json.loads(self.payload).get("errorType", "Unknown"))


class Worker:
    """A worker that runs between `start` and `kill`, one invocation at a time."""

    def __init__(
        self,
        function: DeployedFunction,
        interpreter: Interpreter,
        logs: FunctionLogs,
        egress: Egress | None = None,
    ) -> None:
        self.function = function
        self._egress = egress
        self.log_stream = new_stream(function.version)
        self.init_ms = 0.0
        self.invocations = 0
        self.access_key = ""
        self.idle_since = time.monotonic()
        self.alive = False
        self._interpreter = interpreter
        self._api = RuntimeApi(self._serve)
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self.output = Output(self._log)
        self._logs = logs
        self._memory: Memory | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next: Answer | None = None  # the event that the process gets when it polls
        self._poll: Send | None = None  # answers the process's poll while it waits for an event
        self._event: Event | None = None
        self._outcome: asyncio.Future[Outcome] | None = None
        self._credentials_end: datetime | None = None
        self._end: Outcome | None = (
            None  # set once the process has ended: the outcome of every further invocation
        )

    async def start(self, task_root: Path, layers: list[Path], credentials: Credentials) -> None:
        """Start the process and wait until it polls for work.

        Raise `InitError` if it ends or fails first.
        """
        started = time.monotonic()
        self._credentials_end = credentials.expiration
        self.access_key = credentials.access_key_id
        port = await self._api.start()
        environment = worker_environment(
            self.function,
            self._interpreter,
            credentials,
            task_root,
            f"{LOOPBACK}:{port}",
            self.log_stream,
        )
        wrapper = wrapper_of(self.function, task_root, layers)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._interpreter.command(task_root, layers, self._egress, wrapper), cwd=task_root, env=environment, start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=self.output.writing, stderr=self.output.writing,
            )  # fmt: skip
        except OSError as error:
            if not wrapper:
                raise
            self._api.close()
            reason = f"Error: fork/exec {wrapper[0]}: {(error.strerror or str(error)).lower()}"
            raise InitError(_error("Runtime.InvalidEntrypoint", reason)) from None
        finally:
            self.output.close_writing()
        self.alive = True
        self._memory = Memory(self._process.pid, self.function.memory)
        self._watch_process(self._memory)
        self._watch = asyncio.create_task(self._until_exit(self._process))
        try:
            # AWS gives a slow init a second try inside the invocation, under the function's own
            # timeout.
            async with asyncio.timeout(INIT_SECONDS + self.function.timeout):
                await asyncio.shield(self._ready)
        except TimeoutError:
            await self.kill()
            seconds = INIT_SECONDS + self.function.timeout
            raise InitError(
                _error("Sandbox.Timedout", f"Error: Init timed out after {seconds:.2f} seconds")
            ) from None
        except BaseException as error:
            if isinstance(error, InitError):
                error.init_ms = (time.monotonic() - started) * 1000
            await self.kill()
            raise
        finally:
            self._memory.rest()
            self.output.rest()
        self.init_ms = (time.monotonic() - started) * 1000

    async def invoke(self, event: Event) -> Outcome:
        """Run one event.

        A timeout or a crash ends the worker. It is an outcome, not an exception.
        """
        self.invocations += 1
        if self._end:  # the worker was killed after the pool had handed it out
            return self._end
        memory, loop = self._memory, asyncio.get_running_loop()
        assert memory
        self._event, self._outcome = event, loop.create_future()
        deadline_ms = int((time.time() + self.function.timeout) * 1000)
        self._hand_over(_next_event(event, deadline_ms))
        watching = loop.call_later(WATCH_SECONDS, self._watch_process, memory)
        try:
            async with asyncio.timeout(self.function.timeout):
                return await self._outcome
        except TimeoutError:
            await self.kill()
            return _timed_out(event.request_id, self.function.timeout)
        finally:
            watching.cancel()
            memory.rest()
            self.output.rest()
            self._event = self._outcome = None
            self.idle_since = time.monotonic()

    async def kill(self) -> None:
        """End the process and its children, and close its Runtime API.

        A second call does nothing.
        """
        self.alive = False
        self._ready.cancel()
        if self._process and self._process.returncode is None:
            _kill_group(self._process.pid)
        if self._watch:
            await self._watch
        self._api.close()

    def has_exited(self) -> bool:
        """Return True if the process has ended, even if the event loop has not noticed it yet."""
        if self._process is None:
            return False
        try:
            look = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self._process.pid, look) is not None
        except ChildProcessError:
            return True

    def credentials_end_before(self, moment: datetime) -> bool:
        return self._credentials_end is not None and self._credentials_end < moment

    def close_files(self) -> None:
        self.output.close()
        if self._memory:
            self._memory.close()

    def peak_memory_mb(self) -> int | None:
        """Return the peak resident memory in MB, where it is known."""
        return self._memory.peak() if self._memory else None

    def _watch_process(self, memory: Memory) -> None:
        memory.watch()
        self.output.watch()

    def _log(self, lines: list[str]) -> None:
        self._logs.write(self.function, self.log_stream, lines)

    def _serve(self, method: str, action: str, body: bytes, send: Send) -> None:
        if (method, action) == ("GET", "invocation/next"):
            self._answer_poll(send)
            return
        if action == "init/error":
            self._fail_init(InitError(body))
        elif action.endswith("/error"):
            self._finish(Outcome(body, "Unhandled", status="error"))
        elif action.endswith("/response"):
            self._finish(Outcome(body) if len(body) <= RESPONSE_LIMIT else _too_large(len(body)))
        else:
            send(NOT_FOUND)
            return
        send(ACCEPTED)

    def _answer_poll(self, send: Send) -> None:
        if not self._ready.done():
            self._ready.set_result(None)
        if self._next:
            answer, self._next = self._next, None
            send(answer)
        else:
            self._poll = send

    def _hand_over(self, event: Answer) -> None:
        if self._poll:
            send, self._poll = self._poll, None
            send(event)
        else:
            self._next = event

    def _finish(self, outcome: Outcome) -> None:
        if self._outcome and not self._outcome.done():
            self._outcome.set_result(outcome)

    def _fail_init(self, error: InitError) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)

    async def _until_exit(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        self.alive = False
        _kill_group(process.pid)  # remove processes that the function started and did not wait for
        who = f"RequestId: {self._event.request_id} " if self._event else ""
        message = f"{who}Error: {_exit_reason(code)}"
        payload = _error("Runtime.ExitError", message)
        self._fail_init(InitError(payload))
        self._end = Outcome(
            payload, "Unhandled", f"{message}\nRuntime.ExitError", "error", "Runtime.ExitError"
        )
        self._finish(self._end)


def _exit_reason(code: int) -> str:
    """Return the reason in AWS's wording, with Go's names of signals."""
    if code == 0:
        return "Runtime exited without providing a reason"
    how = (
        f"exit status {code}"
        if code > 0
        else f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"
    )
    return f"Runtime exited with error: {how}"


def _kill_group(process_group: int) -> None:
    with suppress(
        ProcessLookupError, PermissionError
    ):  # macOS raises PermissionError for a process group of zombies
        os.killpg(process_group, signal.SIGKILL)


def _next_event(event: Event, deadline_ms: int) -> Answer:
    headers = {
        "Lambda-Runtime-Aws-Request-Id": event.request_id,
        "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": event.invoked_arn,
        "Lambda-Runtime-Trace-Id": event.trace_header,
    }
    if event.client_context:
        headers["Lambda-Runtime-Client-Context"] = event.client_context
    return Answer(200, event.payload, headers)


def _timed_out(request_id: str, seconds: float) -> Outcome:
    message = f"Task timed out after {seconds:.2f} seconds"
    note = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z {request_id} {message}"
    payload = _error("Sandbox.Timedout", f"RequestId: {request_id} Error: {message}")
    return Outcome(payload, "Unhandled", note, "timeout", "Sandbox.Timedout")


def _too_large(size: int) -> Outcome:
    message = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
    return Outcome(_error("Function.ResponseSizeTooLarge", message), "Unhandled", status="error")


def _error(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
