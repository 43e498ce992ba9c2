# The one door: TLS 1.3, the API's paths to the API, all else to the dashboards; figures and probes are for the inside.
variable "name" { type = string }
variable "host" { type = string }

variable "network" {
  type = object({ vpc = string, cidr = string, public = list(string) })
}

variable "parts" {
  description = "What is reached from outside: its port and the path of its health."
  type        = map(object({ port = number, health = string }))
}

resource "aws_security_group" "this" {
  # checkov:skip=CKV2_AWS_5: it is the load balancer's, below
  name        = "${var.name}-door"
  description = "The load balancer, open to the world on 80 and 443"
  vpc_id      = var.network.vpc
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  security_group_id = aws_security_group.this.id
  description       = "people and tills"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "http" {
  # checkov:skip=CKV_AWS_260: it only says where https is
  security_group_id = aws_security_group.this.id
  description       = "whoever types no https, to be sent there"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 80
  to_port           = 80
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "inside" {
  security_group_id = aws_security_group.this.id
  description       = "the tasks"
  cidr_ipv4         = var.network.cidr
  from_port         = 8000
  to_port           = 8000
  ip_protocol       = "tcp"
}

resource "aws_lb" "this" {
  # checkov:skip=CKV2_AWS_76: wall.tf has the list with Log4j; the one against anonymous addresses would shut out stores
  name                       = var.name
  load_balancer_type         = "application"
  subnets                    = var.network.public
  security_groups            = [aws_security_group.this.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = true
  idle_timeout               = 70 # shorter than IMS_KEEP_ALIVE_SECONDS, or answers are lost in between
  depends_on                 = [aws_s3_bucket_policy.logs] # it tries to write at once
  access_logs {
    bucket  = aws_s3_bucket.logs.id
    enabled = true
  }
}

resource "aws_lb_target_group" "this" {
  # it speaks TLS to the tasks, and takes any certificate of theirs: it has no setting to prove one
  for_each             = var.parts
  name                 = "${var.name}-${each.key}"
  vpc_id               = var.network.vpc
  target_type          = "ip"
  port                 = each.value.port
  protocol             = "HTTPS"
  deregistration_delay = 45
  health_check {
    protocol            = "HTTPS"
    path                = each.value.health
    interval            = 5
    timeout             = 3
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
  stickiness { # a page's connection and its files come from the task that made it
    type    = "lb_cookie"
    enabled = each.key == "dashboards"
  }
}

resource "aws_acm_certificate" "this" {
  domain_name       = var.host
  validation_method = "DNS"
  lifecycle { create_before_destroy = true }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type = "redirect"
    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

# a program that forgot TLS is told so, or its token would travel in the open unnoticed
resource "aws_lb_listener_rule" "api_without_tls" {
  listener_arn = aws_lb_listener.http.arn
  priority     = 1
  action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      status_code  = "403"
    }
  }
  condition {
    path_pattern { values = ["/api/*"] }
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-3-2021-06"
  certificate_arn   = aws_acm_certificate.this.arn
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this["dashboards"].arn
  }
}

resource "aws_lb_listener_rule" "inside" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 1
  action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }
  condition {
    path_pattern { values = ["/metrics", "/ready", "/health"] }
  }
}

resource "aws_lb_listener_rule" "api" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 2
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this["api"].arn
  }
  condition {
    path_pattern { values = ["/api/*"] }
  }
}

output "security_group" { value = aws_security_group.this.id }
output "balancer" { value = aws_lb.this.arn_suffix }
output "targets" { value = { for name, each in aws_lb_target_group.this : name => each.arn } }
output "address" { value = aws_lb.this.dns_name }
output "certificate_records" { value = aws_acm_certificate.this.domain_validation_options }
