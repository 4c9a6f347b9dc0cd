"""The refusal of a login by the proxy."""


class ProxyRefusalError(Exception):
    """A rejected login, sent to the client as a FATAL error with SQLSTATE `code`.

    `message` is RDS Proxy's own text. `detail` is the reason, which AWS does not reveal.
    """

    def __init__(self, code: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.detail = code, message, detail
