"""Whether a service matches its patterns against the whole value. Smithy leaves that open; each service decides.

https://smithy.io/2.0/spec/constraint-traits.html#pattern-trait: a pattern without ^ and $ "may match anywhere" unless a service
says otherwise. AWS's Java services match the whole value, and say so in their answers ("Member must satisfy regular expression
pattern: …"). Evidence is a public report in which the service refused a value that its pattern matches in part, or a pattern
of the model that would otherwise refuse nothing. A service without evidence is matched anywhere: no false refusal.
"""

# Shapes that such a service matches anywhere all the same.
ANYWHERE = {
    # `[\S]+`, yet "a password can contain blanks, but not at its beginning or end":
    # https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
    ("cognito-idp", "PasswordType"),
}

WHOLE_VALUE = {
    # `[\w\s+=,.@-]+` refuses "https://…" as the name of a resource server, which it matches in part (issue 13, row 13).
    "cognito-idp": "ResourceServerNameType",
    # `[a-zA-Z0-9_.-]+` is what names of tables were refused by: "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+".
    "dynamodb": "TableName",
    # `[\.\-_/#A-Za-z0-9]+` on names of groups refuses blanks and colons.
    "logs": "LogGroupName",
    # `[\w+=,.@-]+` on names of roles refuses blanks and slashes: "The specified value for roleName is invalid."
    "iam": "roleNameType",
    # Names of functions: `(arn:…)?(…)?([a-zA-Z0-9-_]+)(:(…))?` has optional parts before and after, so in part it matches all.
    "lambda": "FunctionName",
    # `[\w+=,.@-]*` on role session names matches the empty text, so in part it matches all.
    "sts": "roleSessionNameType",
    # `[\.\-_A-Za-z0-9]+` on names of rules: "Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+".
    "events": "RuleName",
}


def matches_whole_value(service: str, shape: str) -> bool:
    return service in WHOLE_VALUE and (service, shape) not in ANYWHERE
