# Who knocked: 90 days in a bucket. Load balancers write with S3's own key only, so it is not encrypted with ours.
locals { buckets = { logs = aws_s3_bucket.logs, wall = aws_s3_bucket.wall } }

resource "aws_s3_bucket" "logs" {
  # checkov:skip=CKV_AWS_144,CKV2_AWS_62,CKV_AWS_18: logs of 90 days: no second region, nobody told, no logs of logs
  # checkov:skip=CKV_AWS_145: a load balancer cannot write with a key of ours
  # checkov:skip=CKV_AWS_21: a line is written once and never again
  bucket_prefix = "${var.name}-door-"
}

resource "aws_s3_bucket" "wall" {
  # checkov:skip=CKV_AWS_144,CKV2_AWS_62,CKV_AWS_18: logs of 90 days: no second region, nobody told, no logs of logs
  # checkov:skip=CKV_AWS_145: as the bucket beside it
  # checkov:skip=CKV_AWS_21: a line is written once and never again
  bucket_prefix = "aws-waf-logs-${var.name}-" # the beginning is AWS's demand
}

resource "aws_s3_bucket_public_access_block" "logs" {
  for_each                = local.buckets
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  for_each = local.buckets
  bucket   = each.value.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  for_each = local.buckets
  bucket   = each.value.id
  rule {
    id     = "ninety-days"
    status = "Enabled"
    filter {}
    expiration { days = 90 }
    abort_incomplete_multipart_upload { days_after_initiation = 1 }
  }
}

data "aws_iam_policy_document" "logs" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.logs.arn}/*"]
    principals {
      type        = "Service"
      identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = data.aws_iam_policy_document.logs.json
}
