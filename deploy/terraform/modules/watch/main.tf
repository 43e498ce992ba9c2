# Alarms on what AWS itself sees, and on money. What IMS sees of itself is Prometheus' (deploy/monitoring).
variable "name" { type = string }
variable "key" { type = string }
variable "mail" { type = string }
variable "dollars" { type = number }
variable "balancer" { type = string }
variable "database" { type = string }

variable "services" {
  type = map(object({ cluster = string, name = string }))
}

resource "aws_sns_topic" "this" {
  name              = var.name
  kms_master_key_id = var.key
}

resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = var.mail
}

locals {
  door     = { LoadBalancer = var.balancer }
  database = { DBInstanceIdentifier = var.database }
  alarms = merge({
    errors      = ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum", ">", 50, local.door, "Requests fail: runbook ErrorBudgetBurnsFast"]
    slow        = ["AWS/ApplicationELB", "TargetResponseTime", "p95", ">", 0.25, local.door, "Answers take over a quarter of a second: runbook AnswersSlow"]
    unreachable = ["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", ">", 10, local.door, "Nobody answers behind the door: runbook ProcessDown"]
    disk        = ["AWS/RDS", "FreeStorageSpace", "Minimum", "<", 10 * 1024 * 1024 * 1024, local.database, "The database's disk fills up: runbook DiskFillsUp"]
    connections = ["AWS/RDS", "DatabaseConnections", "Maximum", ">", 160, local.database, "Connections run out: runbook ConnectionsNearLimit"]
    processor   = ["AWS/RDS", "CPUUtilization", "Average", ">", 85, local.database, "The database is busy: runbook AnswersSlow"]
    }, {
    for role, each in var.services : "memory-${role}" =>
    ["AWS/ECS", "MemoryUtilization", "Maximum", ">", 90, { ClusterName = each.cluster, ServiceName = each.name }, "Memory of ${role} runs out: runbook ProcessDown"]
  })
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value[6]
  namespace           = each.value[0]
  metric_name         = each.value[1]
  statistic           = each.value[2] == "p95" ? null : each.value[2]
  extended_statistic  = each.value[2] == "p95" ? "p95" : null
  comparison_operator = each.value[3] == ">" ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = each.value[4]
  dimensions          = each.value[5]
  period              = 300
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]
}

resource "aws_budgets_budget" "this" {
  name         = var.name
  budget_type  = "COST"
  limit_amount = var.dollars
  limit_unit   = "USD"
  time_unit    = "MONTHLY"
  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }
    content {
      notification_type          = notification.key
      threshold                  = notification.value
      threshold_type             = "PERCENTAGE"
      comparison_operator        = "GREATER_THAN"
      subscriber_email_addresses = [var.mail]
    }
  }
}
