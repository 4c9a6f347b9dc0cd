# Amazon Linux 2023 carries the SSM agent and EC2 Instance Connect, so neither door needs a stored key.
data "aws_ssm_parameter" "ami" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
}

resource "aws_key_pair" "this" {
  for_each = var.ssh_public_key == null ? {} : { ec2-user = var.ssh_public_key }

  key_name   = "${var.name}-bastion"
  public_key = each.value
}

resource "aws_instance" "this" {
  #checkov:skip=CKV_AWS_126:Nothing scales or alarms on a bastion's minute-by-minute metrics; they cost by the month.
  #checkov:skip=CKV_AWS_135:Every Graviton type is EBS-optimised without being told.
  ami                    = data.aws_ssm_parameter.ami.insecure_value
  instance_type          = var.instance_type
  subnet_id              = var.subnet_id
  vpc_security_group_ids = [aws_security_group.this.id]
  iam_instance_profile   = aws_iam_instance_profile.this.name
  key_name               = one([for pair in aws_key_pair.this : pair.key_name])

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted   = true
    volume_size = 8 # GB, what the image asks for at least
    volume_type = "gp3"
  }

  tags = { Name = "${var.name}-bastion" }

  lifecycle {
    # A new image appears every few weeks; taking it replaces the instance, so it is done on purpose (README).
    ignore_changes = [ami]
  }
}

# Without NAT a public address is also the way to Systems Manager. This one outlives the instance, so ~/.ssh/config stays right.
resource "aws_eip" "this" {
  instance = aws_instance.this.id
  domain   = "vpc"

  tags = { Name = "${var.name}-bastion" }
}
