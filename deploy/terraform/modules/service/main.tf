# One part of IMS as tasks of Fargate: replaced one by one, back to the release before when the new one does not get well.
data "aws_region" "this" {}

resource "aws_ecs_cluster" "this" {
  name = var.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}"
  retention_in_days = 365 # docs/operations.md says 30 in reach; a year is what an inquiry may ask for
  kms_key_id        = var.key
}

resource "aws_security_group" "this" {
  name        = var.name
  description = "The tasks of ${var.name}"
  vpc_id      = var.network.vpc
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  count                        = length(var.callers)
  security_group_id            = aws_security_group.this.id
  description                  = "the door"
  referenced_security_group_id = var.callers[count.index]
  from_port                    = var.part.port
  to_port                      = var.part.port
  ip_protocol                  = "tcp"
}

# database, Redis, file system, mail and webhooks; each of them says itself who may come
resource "aws_vpc_security_group_egress_rule" "this" {
  for_each          = { database = 5432, redis = 6379, lake = 2049, https = 443, mail = 587 }
  security_group_id = aws_security_group.this.id
  description       = each.key
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = each.value
  to_port           = each.value
  ip_protocol       = "tcp"
}

resource "aws_ecs_service" "this" {
  name                               = var.name
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this.arn
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  desired_count                      = var.count_of.least
  availability_zone_rebalancing      = var.count_of.most == 1 ? "DISABLED" : "ENABLED"
  health_check_grace_period_seconds  = var.target == null ? null : 300
  deployment_maximum_percent         = var.count_of.most == 1 ? 100 : 200 # two daemons would start each run twice
  deployment_minimum_healthy_percent = var.count_of.most == 1 ? 0 : 100
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets          = var.network.private
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = false
  }
  dynamic "load_balancer" {
    for_each = var.target[*]
    content {
      target_group_arn = load_balancer.value
      container_name   = "ims"
      container_port   = var.part.port
    }
  }
  lifecycle { ignore_changes = [desired_count] } # the autoscaler's
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  min_capacity       = var.count_of.least
  max_capacity       = var.count_of.most
}

resource "aws_appautoscaling_policy" "this" {
  name               = "${var.name}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id
  target_tracking_scaling_policy_configuration {
    target_value      = 70
    scale_in_cooldown = 300 # the morning's rush comes in waves
    predefined_metric_specification { predefined_metric_type = "ECSServiceAverageCPUUtilization" }
  }
}
