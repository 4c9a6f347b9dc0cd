# What a function may do to the table of user attributes, partition by partition. partitions.json names the partitions; function.yaml
# declares them under data.user_attributes. IAM knows partition keys alone: what shares one (META and attributes of a user) shares rights.

locals {
  partitions = jsondecode(file("${path.module}/partitions.json"))

  # A condition check reads an item, says AWS too; a transaction needs no action of its own.
  table_actions = {
    read   = ["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query"]
    put    = ["dynamodb:PutItem"]
    update = ["dynamodb:UpdateItem"]
    delete = ["dynamodb:DeleteItem"]
  }

  # Folder => right => names of partitions.
  declared_partitions = {
    for folder, declared in local.declarations : folder => {
      for right in keys(local.table_actions) : right => try(declared.data.user_attributes[right], [])
    }
  }
  table_users = { for folder, rights in local.declared_partitions : folder => rights if length(flatten(values(rights))) > 0 }

  # Statements without their keys' condition: rights on items, then Query on each index by that index's partition key. An action stands in
  # one statement for all of its partitions, since AWS may decide the parts of a transaction together.
  table_statements = {
    for folder, rights in local.table_users : folder => concat(
      [for right in ["read", "put", "update", "delete"] : {
        sid      = title(right)
        actions  = local.table_actions[right]
        resource = local.user_attributes.table_arn
        keys     = [for name in sort(rights[right]) : local.partitions[name].key if can(local.partitions[name]) && !can(local.partitions[name].index)]
      }],
      [for index in sort(distinct([for partition in local.partitions : partition.index if can(partition.index)])) : {
        sid      = index
        actions  = ["dynamodb:Query"]
        resource = "${local.user_attributes.table_arn}/index/${index}"
        keys     = [for name in sort(rights.read) : local.partitions[name].key if try(local.partitions[name].index, null) == index]
      }],
    )
  }

  # ForAllValues is true of a request without the key, so Null demands it: DynamoDB sends none with Scan and PartiQL.
  table_policies = {
    for folder, statements in local.table_statements : folder => jsonencode({
      Version = "2012-10-17"
      Statement = [for statement in statements : {
        Sid      = statement.sid
        Effect   = "Allow"
        Action   = statement.actions
        Resource = statement.resource
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = statement.keys }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      } if length(statement.keys) > 0]
    })
  }
}

# The key's policy admits callers through DynamoDB, so no statement on it here.
resource "aws_iam_role_policy" "user_attributes" {
  for_each = local.table_policies

  name   = "user_attributes"
  role   = aws_iam_role.function[each.key].id
  policy = each.value

  lifecycle {
    precondition {
      condition     = length(setsubtract(flatten(values(local.table_users[each.key])), keys(local.partitions))) == 0
      error_message = "${each.key}/function.yaml: data.user_attributes may name ${join(", ", keys(local.partitions))}."
    }
  }
}
