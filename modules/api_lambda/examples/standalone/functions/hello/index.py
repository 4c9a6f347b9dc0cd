"""The only module of artefacts/functions/hello.zip.

zip -jX ../../artefacts/functions/hello.zip index.py
"""


def handler(event: dict[str, object], context: object) -> dict[str, object]:
    """Answer every request of API Gateway."""
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": "Good day"}
