# Redis counts tries of signing in for all copies of the API: nothing in it is missed when it is gone.
resource "random_password" "redis" {
  length  = 40
  special = false
}

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.network.private
}

resource "aws_security_group" "redis" {
  name        = "${var.name}-redis"
  description = "Redis, asked by the tasks of IMS"
  vpc_id      = var.network.vpc
}

resource "aws_vpc_security_group_ingress_rule" "redis" {
  count                        = length(var.clients)
  security_group_id            = aws_security_group.redis.id
  description                  = "a part of IMS"
  referenced_security_group_id = var.clients[count.index]
  from_port                    = 6379
  to_port                      = 6379
  ip_protocol                  = "tcp"
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = var.name
  description                = "${var.name}: counters of rate limits"
  engine                     = "redis"
  engine_version             = "7.1"
  node_type                  = "cache.t4g.micro"
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  multi_az_enabled           = true
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.redis.id]
  at_rest_encryption_enabled = true
  kms_key_id                 = var.key
  transit_encryption_enabled = true
  auth_token                 = random_password.redis.result
}
