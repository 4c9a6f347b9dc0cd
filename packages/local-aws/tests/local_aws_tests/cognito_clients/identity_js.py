"""amazon-cognito-identity-js in a Node process."""

import json
import subprocess
from pathlib import Path
from typing import Any

from local_aws_tests.cognito_clients.apps import RefusedError, Tokens
from local_aws_tests.support import node_packages

FOLDER = Path(__file__).parent


def install(folder: Path = FOLDER) -> None:
    node_packages.install(folder)


class Node:
    """The Node process of all apps in a test run; `open` gives it empty storage."""

    def __init__(self, driver: str = "driver.mjs") -> None:
        self._process = subprocess.Popen(
            ["node", FOLDER / driver],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, name: str, **given: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"call": name, "given": given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the driver ended; its complaint is in the test's captured stderr"
        answer = json.loads(line)
        if "error" in answer:
            raise RefusedError(answer["error"], answer["message"])
        return answer["result"]

    def close(self) -> None:
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()


class IdentityJs:
    def __init__(self, node: Node, endpoint: str, pool_id: str, client_id: str) -> None:
        self.node = node
        node.call("open", endpoint=endpoint, poolId=pool_id, clientId=client_id)

    def sign_up(self, email: str, password: str) -> None:
        self.node.call("signUp", email=email, password=password)

    def confirm(self, email: str, code: str) -> None:
        self.node.call("confirm", email=email, code=code)

    def resend(self, email: str) -> None:
        self.node.call("resend", email=email)

    def sign_in(self, email: str, password: str, flow: str = "USER_SRP_AUTH") -> str:
        return str(self.node.call("signIn", email=email, password=password, flow=flow))

    def answer_new_password(self, password: str) -> None:
        assert self.node.call("answerNewPassword", password=password) == "SIGNED_IN"

    def answer_code(self, code: str) -> None:
        assert self.node.call("answerCode", code=code) == "SIGNED_IN"

    def refresh(self) -> None:
        self.node.call("refresh")

    def tokens(self) -> Tokens:
        told = self.node.call("tokens")
        assert told["valid"]
        return Tokens(told["access"], told["id"], told["refresh"])

    def attributes(self) -> dict[str, str]:
        found: dict[str, str] = self.node.call("attributes")
        return found

    def update(self, **attributes: str) -> None:
        self.node.call("update", attributes=attributes)

    def send_verification(self) -> None:
        self.node.call("sendVerification")

    def verify_email(self, code: str) -> None:
        self.node.call("verifyEmail", code=code)

    def associate(self) -> str:
        return str(self.node.call("associate"))

    def verify_app(self, code: str) -> None:
        self.node.call("verifyApp", code=code)

    def prefer_app(self, enabled: bool) -> None:
        self.node.call("preferApp", enabled=enabled)

    def change_password(self, old: str, new: str) -> None:
        self.node.call("changePassword", old=old, replacement=new)

    def forgot(self, email: str) -> None:
        self.node.call("forgot", email=email)

    def confirm_forgot(self, email: str, code: str, password: str) -> None:
        self.node.call("confirmForgot", email=email, code=code, password=password)

    def sign_out_everywhere(self) -> None:
        self.node.call("signOutEverywhere")

    def delete_account(self) -> None:
        self.node.call("deleteAccount")
