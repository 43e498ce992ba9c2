variable "name" { type = string }
variable "image" { type = string }
variable "key" { type = string }

variable "part" {
  description = "A role of the image: what it is told, where it listens, what it gets."
  type        = object({ command = list(string), port = number, cpu = number, memory = number, health = string })
}

variable "count_of" {
  type = object({ least = number, most = number })
}

variable "network" {
  type = object({ vpc = string, private = list(string) })
}

variable "lake" {
  description = "The lake's file system; null for a part that does not read it."
  type        = object({ file_system = string, access_point = string, arn = string, read_only = bool })
}

variable "target" {
  description = "The load balancer's list of targets; null for what is not reached from outside."
  type        = string
}

variable "callers" {
  description = "Security groups that may reach its port."
  type        = list(string)
}

variable "environment" { type = map(string) }

variable "secrets" {
  description = "Where the value of each variable lies, by ARN."
  type        = map(string)
}

output "security_group" { value = aws_security_group.this.id }
output "service" { value = { cluster = aws_ecs_cluster.this.name, name = aws_ecs_service.this.name } }
