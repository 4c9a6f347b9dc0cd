resource "aws_iam_instance_profile" "this" {
  name = "${var.name}-bastion"
  role = aws_iam_role.this.name
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-bastion"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# Session Manager and nothing else: whoever sits on the bastion holds no other right in the account. AWS's own
# AmazonSSMManagedInstanceCore would also read every parameter of the account. These are the actions of its
# AWSCloud9SSMInstanceProfile, and take no resource.
resource "aws_iam_role_policy" "session_manager" {
  #checkov:skip=CKV_AWS_290:These actions take no resource; AWS's own AWSCloud9SSMInstanceProfile says "*" too.
  #checkov:skip=CKV_AWS_355:The agent's channels have no ARN that a resource could name.
  name = "session-manager"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
      ]
      Resource = "*"
    }]
  })
}
