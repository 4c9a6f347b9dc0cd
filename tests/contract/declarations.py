"""Checks that each operation declares what the HTTP rules demand of its kind."""

from collections.abc import Callable, Iterator

from tests.contract.operations import Document, Operation, of

BODY = {400, 413, 415, 422}
AUTHZEN_BODY = {400, 413}
SIGNED_IN = {401, 403, 429, 503}


def complaints(document: Document) -> list[str]:
    """Return a message for each rule that an operation violates, with what to add."""
    return [
        f"{operation}: {each}"
        for operation in of(document)
        for rule in RULES
        for each in rule(operation)
    ]


def _lacks(operation: Operation, statuses: set[int], why: str) -> Iterator[str]:
    for status in sorted(statuses - operation.statuses):
        yield f"{why}, so it needs a response {status}."


def words(operation: Operation) -> Iterator[str]:
    if not operation.declared.get("description"):
        yield "It needs a `description`."
    known = {tag["name"] for tag in operation.document["tags"] if tag.get("description")}
    for tag in operation.declared["tags"]:
        if tag not in known:
            yield f"Its tag {tag} needs an entry with a `description` below `tags` of its openapi.yaml."


def parameters(operation: Operation) -> Iterator[str]:
    yield from _lacks(operation, {400}, "A parameter that it does not have is refused")
    for parameter in operation.parameters:
        schema = operation.resolved(parameter["schema"])
        in_address = parameter["in"] in ("path", "query") and schema.get("type") == "string"
        if in_address and not schema.keys() & {"format", "pattern", "enum"}:
            name = f"{parameter['in'].capitalize()} parameter {parameter['name']}"
            yield f"{name} admits anything: give its schema a `format` or a `pattern`."


def caller(operation: Operation) -> Iterator[str]:
    if not operation.is_public:
        yield from _lacks(operation, SIGNED_IN, "It demands a token")
    if operation.variables:
        yield from _lacks(operation, {404}, "What it speaks of may not be there")


def body(operation: Operation) -> Iterator[str]:
    if operation.body is None:
        return
    yield from _lacks(operation, AUTHZEN_BODY if operation.is_authzen else BODY, "It takes a body")
    if not operation.resolved(operation.declared["requestBody"]).get("required"):
        yield "Its body is not optional: say `required: true`."
    if operation.is_authzen and "additionalProperties" in operation.body:
        yield "AuthZEN has unknown fields ignored: say nothing of `additionalProperties`."
    if not operation.is_authzen and operation.body.get("additionalProperties") is not False:
        yield "The schema of its body admits unknown fields: say `additionalProperties: false`."
    if operation.method == "PATCH" and "application/merge-patch+json" not in operation.media_types:
        yield "A PATCH is a merge patch (RFC 7396): take `application/merge-patch+json`."


def creation(operation: Operation) -> Iterator[str]:
    if operation.method != "POST" or not operation.statuses & {201, 202}:
        return
    if not operation.takes("Idempotency-Key"):
        yield "A POST that makes something needs the parameter IdempotencyKey."
    yield from _lacks(operation, {409, 422}, "It makes something once")
    for status in sorted(operation.statuses & {201, 202}):
        for header in sorted({"Location", "Idempotency-Replayed"} - operation.headers(status)):
            yield f"The response {status} needs the header {header}."


def change(operation: Operation) -> Iterator[str]:
    if operation.method not in ("PATCH", "PUT", "DELETE"):
        return
    if not _is_versioned(operation):
        return
    if not operation.takes("If-Match"):
        yield "It changes what is there, so it needs the parameter IfMatch."
    yield from _lacks(operation, {412, 428}, "It changes what is there")


def _is_versioned(operation: Operation) -> bool:
    """Return False for the DELETE of an item that its list shows without a `version`.

    An item with an address of its own that can be read has an entity tag.
    """
    paths = operation.document["paths"]
    above, _, last = operation.path.rpartition("/")
    if operation.method != "DELETE" or not last.startswith("{") or "get" in paths[operation.path]:
        return True
    listing = Operation(
        "GET", above, paths.get(above, {}).get("get", {"responses": {}}), operation.document
    )
    items = listing.answer(200).get("properties", {}).get("items", {}).get("items", {})
    return "version" in operation.resolved(items).get("properties", {"version": {}})


def list_(operation: Operation) -> Iterator[str]:
    if not operation.is_list:
        return
    for name in sorted({"limit", "cursor"} - operation.names("query")):
        yield f"A list needs the parameter {name.capitalize()}."
    schema = operation.answer(200)
    if not {"items", "next_cursor"} <= set(schema.get("required", ())):
        yield "A list answers `{items, next_cursor}`, both required."
    if "Link" not in operation.headers(200):
        yield "A list answers with the header Link."


def tag(operation: Operation) -> Iterator[str]:
    if operation.method == "GET" and "ETag" in operation.headers(200):
        if not operation.takes("If-None-Match"):
            yield "It answers with an ETag, so it needs the parameter IfNoneMatch."
        yield from _lacks(operation, {304}, "It answers with an ETag")


RULES: tuple[Callable[[Operation], Iterator[str]], ...] = (
    words,
    parameters,
    caller,
    body,
    creation,
    change,
    list_,
    tag,
)
