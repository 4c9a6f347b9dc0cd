"""AWS managed policies that roles can refer to, as AWS publishes them.

moto ships all 1,500 of them, which would add megabytes to the memory and to every snapshot.
"""

import json

POWER_USER_ACCESS = "arn:aws:iam::aws:policy/PowerUserAccess"

# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/PowerUserAccess.html, version 12
DOCUMENTS = {
    POWER_USER_ACCESS: json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "NotAction": ["iam:*", "organizations:*", "account:*"],
                    "Resource": "*",
                },
                {
                    "Effect": "Allow",
                    "Action": [
                        "account:GetAccountInformation",
                        "account:GetGovCloudAccountInformation",
                        "account:GetPrimaryEmail",
                        "account:ListRegions",
                        "iam:CreateServiceLinkedRole",
                        "iam:DeleteServiceLinkedRole",
                        "iam:ListRoles",
                        "organizations:DescribeEffectivePolicy",
                        "organizations:DescribeOrganization",
                    ],
                    "Resource": "*",
                },
            ],
        }
    )
}
