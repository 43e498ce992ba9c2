variable "name" { type = string }
variable "key" { type = string }
variable "class" { type = string }

variable "network" {
  type = object({ vpc = string, cidr = string, private = list(string) })
}

variable "clients" {
  description = "Security groups of the tasks that may ask."
  type        = list(string)
}

variable "is_spare" {
  description = "A staging database: one zone, and gone when it is destroyed."
  type        = bool
}

output "database_id" { value = aws_db_instance.this.identifier }
output "database_url" { value = aws_secretsmanager_secret.url["database"].arn }
output "redis_url" { value = aws_secretsmanager_secret.url["redis"].arn }
output "lake" { value = { file_system = aws_efs_file_system.lake.id, access_point = aws_efs_access_point.lake.id, arn = aws_efs_file_system.lake.arn } }
output "backups" { value = aws_s3_bucket.backups.id }
