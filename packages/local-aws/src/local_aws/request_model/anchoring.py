"""The services that match patterns against the whole value; Smithy leaves this to each service.

A pattern without ^ and $ "may match anywhere" unless a service says otherwise:
https://smithy.io/2.0/spec/constraint-traits.html#pattern-trait

AWS's Java services match the whole value, and their answers say so ("Member must satisfy regular
expression pattern: …").

Evidence is a public report in which the service rejected a value that its pattern matches in part,
or a pattern that would otherwise reject nothing. Without evidence a pattern matches anywhere, so
that nothing is rejected wrongly.
"""

# Shapes that such a service nevertheless matches anywhere.
ANYWHERE = {
    # `[\S]+`, yet "a password can contain blanks, but not at its beginning or end":
    # https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
    ("cognito-idp", "PasswordType"),
}

WHOLE_VALUE = {
    # `[\w\s+=,.@-]+` rejects "https://…" as a resource server's name, which it matches in part
    # (issue 13, row 13).
    "cognito-idp": "ResourceServerNameType",
    # `[a-zA-Z0-9_.-]+` rejects table names with: "Member must satisfy regular expression pattern:
    # [a-zA-Z0-9_.-]+".
    "dynamodb": "TableName",
    # `[\.\-_/#A-Za-z0-9]+` rejects group names with blanks and colons.
    "logs": "LogGroupName",
    # `[\w+=,.@-]+` rejects role names with blanks and slashes: "The specified value for roleName is
    # invalid."
    "iam": "roleNameType",
    # Function names: `(arn:…)?(…)?([a-zA-Z0-9-_]+)(:(…))?` has optional parts before and after, so
    # it matches every value in part.
    "lambda": "FunctionName",
    # `[\w+=,.@-]*` for role session names matches the empty text, so it matches every value in
    # part.
    "sts": "roleSessionNameType",
    # `[\.\-_A-Za-z0-9]+` for rule names: "Member must satisfy regular expression pattern:
    # [\.\-_A-Za-z0-9]+".
    "events": "RuleName",
}


def matches_whole_value(service: str, shape: str) -> bool:
    return service in WHOLE_VALUE and (service, shape) not in ANYWHERE
