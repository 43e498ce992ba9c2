# Least privilege: what starts a task reads its image, its secrets, its key; the task itself may mount its lake.
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-start"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_iam_policy_document" "execution" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = values(var.secrets)
  }
  statement {
    actions   = ["kms:Decrypt"]
    resources = [var.key]
  }
}

resource "aws_iam_role_policy" "execution" {
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "task" {
  count = length(var.lake[*])
  statement {
    actions = concat(
      ["elasticfilesystem:ClientMount"],
      var.lake.read_only ? [] : ["elasticfilesystem:ClientWrite"],
    )
    resources = [var.lake.arn]
  }
}

resource "aws_iam_role_policy" "task" {
  count  = length(var.lake[*])
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task[0].json
}
