# The lake's files, on a file system that runs write and pages read; its catalog is in PostgreSQL.
resource "aws_efs_file_system" "lake" {
  encrypted  = true
  kms_key_id = var.key
  tags       = { Name = "${var.name}-lake" }
  lifecycle_policy { transition_to_ia = "AFTER_30_DAYS" } # old snapshots are seldom read
}

resource "aws_efs_backup_policy" "lake" {
  file_system_id = aws_efs_file_system.lake.id
  backup_policy { status = "ENABLED" } # daily, by AWS Backup
}

# as the image's user, in a folder of its own
resource "aws_efs_access_point" "lake" {
  file_system_id = aws_efs_file_system.lake.id
  posix_user {
    uid = 10001
    gid = 10001
  }
  root_directory {
    path = "/lake"
    creation_info {
      owner_uid   = 10001
      owner_gid   = 10001
      permissions = "0750"
    }
  }
}

resource "aws_security_group" "lake" {
  name        = "${var.name}-lake"
  description = "The file system of the lake, mounted by the tasks of IMS"
  vpc_id      = var.network.vpc
}

resource "aws_vpc_security_group_ingress_rule" "lake" {
  count                        = length(var.clients)
  security_group_id            = aws_security_group.lake.id
  description                  = "a part of IMS"
  referenced_security_group_id = var.clients[count.index]
  from_port                    = 2049
  to_port                      = 2049
  ip_protocol                  = "tcp"
}

resource "aws_efs_mount_target" "lake" {
  count           = length(var.network.private)
  file_system_id  = aws_efs_file_system.lake.id
  subnet_id       = var.network.private[count.index]
  security_groups = [aws_security_group.lake.id]
}
