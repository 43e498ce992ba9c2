# PostgreSQL, in two zones with automatic fail-over; backed up nightly, its log every five minutes, for 30 days.
resource "random_password" "database" {
  length  = 40
  special = false # it stands in a URL
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.network.private
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "PostgreSQL, asked by the tasks of IMS"
  vpc_id      = var.network.vpc
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  count                        = length(var.clients)
  security_group_id            = aws_security_group.database.id
  description                  = "a part of IMS"
  referenced_security_group_id = var.clients[count.index]
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
}

resource "aws_db_parameter_group" "this" {
  name   = var.name
  family = "postgres18"
  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  parameter { # as IMS sets its own server (ims/postgres.py)
    name  = "log_min_duration_statement"
    value = "1000"
  }
  parameter {
    name  = "log_statement" # who changed the schema; rows are in the audit log
    value = "ddl"
  }
}

data "aws_iam_policy_document" "monitoring_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "monitoring" {
  name               = "${var.name}-database-monitoring"
  assume_role_policy = data.aws_iam_policy_document.monitoring_trust.json
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_db_instance" "this" {
  # checkov:skip=CKV_AWS_161: IMS signs in with a password over TLS that is verified; tokens of IAM last 15 minutes
  # checkov:skip=CKV_AWS_157: production is in two zones; staging (is_spare) need not be
  # checkov:skip=CKV_AWS_293: production is protected; staging (is_spare) is made anew
  identifier                            = var.name
  engine                                = "postgres"
  engine_version                        = "18"
  instance_class                        = var.class
  db_name                               = "ims"
  username                              = "ims"
  password                              = random_password.database.result
  allocated_storage                     = 100
  max_allocated_storage                 = 1000
  storage_type                          = "gp3"
  storage_encrypted                     = true
  kms_key_id                            = var.key
  multi_az                              = !var.is_spare
  db_subnet_group_name                  = aws_db_subnet_group.this.name
  vpc_security_group_ids                = [aws_security_group.database.id]
  parameter_group_name                  = aws_db_parameter_group.this.name
  ca_cert_identifier                    = "rds-ca-rsa2048-g1"
  backup_retention_period               = 30
  backup_window                         = "20:30-21:30" # before the nightly run
  maintenance_window                    = "sun:22:00-sun:23:00"
  copy_tags_to_snapshot                 = true
  auto_minor_version_upgrade            = true
  deletion_protection                   = !var.is_spare
  skip_final_snapshot                   = var.is_spare
  final_snapshot_identifier             = "${var.name}-last"
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.key
  performance_insights_retention_period = 7
}

locals {
  urls = {
    database = "postgresql://ims:${random_password.database.result}@${aws_db_instance.this.endpoint}/ims"
    redis    = "rediss://:${random_password.redis.result}@${aws_elasticache_replication_group.this.primary_endpoint_address}:6379/0"
  }
}

resource "aws_secretsmanager_secret" "url" {
  # checkov:skip=CKV2_AWS_57: a new password is `terraform apply -replace=…random_password`, then a new deployment
  for_each   = toset(["database", "redis"])
  name       = "${var.name}/${each.value}_url"
  kms_key_id = var.key
}

resource "aws_secretsmanager_secret_version" "url" {
  for_each      = aws_secretsmanager_secret.url
  secret_id     = each.value.id
  secret_string = local.urls[each.key]
}
