locals {
  engine_major = split(".", var.engine_version)[0]
}

# A change of class, size or major version waits for the maintenance window: apply_immediately is not set.
resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_118:Database Insights shows what enhanced monitoring would, and how much of it each statement causes.
  identifier     = "${var.name}-database"
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.database.instance_class
  multi_az       = var.database.multi_az

  db_name                             = var.database_name
  port                                = 5432
  username                            = "postgres"
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = aws_kms_key.this.arn
  iam_database_authentication_enabled = true

  allocated_storage     = var.database.storage_gb
  max_allocated_storage = var.database.max_storage_gb
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.this.arn

  db_subnet_group_name   = aws_db_subnet_group.this.name
  parameter_group_name   = aws_db_parameter_group.this.name
  publicly_accessible    = false
  vpc_security_group_ids = [aws_security_group.database.id]

  backup_retention_period   = var.backup_retention_days
  copy_tags_to_snapshot     = true
  deletion_protection       = var.deletion_protection
  final_snapshot_identifier = var.final_snapshot ? "${var.name}-database-final" : null
  skip_final_snapshot       = !var.final_snapshot

  auto_minor_version_upgrade            = true
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = aws_kms_key.this.arn
  performance_insights_retention_period = 7

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_db_subnet_group" "this" {
  name       = "${var.name}-database"
  subnet_ids = values(var.subnet_ids)
}

# Named after the major version, so that an upgrade can make the next group while the old one is still in use.
resource "aws_db_parameter_group" "this" {
  name   = "${var.name}-postgres${local.engine_major}"
  family = "postgres${local.engine_major}"

  # 1 is the default of these families. AWS then keeps Source = system and ApplyMethod = pending-reboot, whatever was asked
  # for: with "immediate" every plan would show an update (provider #39252).
  parameter {
    name         = "rds.force_ssl"
    value        = "1"
    apply_method = "pending-reboot"
  }

  lifecycle {
    create_before_destroy = true
  }
}
