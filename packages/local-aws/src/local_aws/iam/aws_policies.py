"""AWS's own policies that ours refer to, as AWS publishes them. moto has all 1,500 of them, at megabytes of memory and of every snapshot."""

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
