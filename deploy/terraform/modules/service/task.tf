# The task: the image with nothing to write on but what may be lost, and the lake where the part reads it.
locals {
  logs = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.this.name
      awslogs-region        = data.aws_region.this.region
      awslogs-stream-prefix = "ims"
    }
  }
  # the one folder that the image gives to its user: Fargate makes any other root's
  home = [{ sourceVolume = "home", containerPath = "/var/lib/ims", readOnly = false }]
  mounts = concat(
    local.home,
    [for lake in var.lake[*] : { sourceVolume = "lake", containerPath = "/var/lib/lake", readOnly = lake.read_only }],
  )
  files   = ["IMS_DATABASE_CA", "IMS_PARTS_CERTIFICATE", "IMS_PARTS_KEY"]
  secrets = [for name, arn in var.secrets : { name = name, valueFrom = arn }]
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.part.cpu
  memory                   = var.part.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions = jsonencode([
    { # libpq wants the database's authority as a file, and the web app its certificate
      name                   = "authority"
      image                  = var.image
      essential              = false
      readonlyRootFilesystem = true
      entryPoint             = ["python", "-c", "import os; os.umask(0o077); [open('/var/lib/ims/' + name, 'w').write(os.environ[secret]) for name, secret in [('database-ca.crt', 'IMS_DATABASE_CA'), ('parts.crt', 'IMS_PARTS_CERTIFICATE'), ('parts.key', 'IMS_PARTS_KEY')] if secret in os.environ]"]
      secrets                = [for each in local.secrets : each if contains(local.files, each.name)]
      mountPoints            = local.home
      logConfiguration       = local.logs
    },
    {
      name                   = "ims"
      image                  = var.image
      essential              = true
      command                = var.part.command
      user                   = "10001"
      readonlyRootFilesystem = true
      stopTimeout            = 60 # IMS_DRAIN_SECONDS, IMS_STOP_TIMEOUT_SECONDS, and a few
      dependsOn              = [{ containerName = "authority", condition = "SUCCESS" }]
      portMappings           = [{ containerPort = var.part.port }]
      environment            = [for name, value in var.environment : { name = name, value = value }]
      secrets                = [for each in local.secrets : each if !contains(local.files, each.name)]
      mountPoints            = local.mounts
      logConfiguration       = local.logs
      linuxParameters        = { capabilities = { drop = ["ALL"] }, initProcessEnabled = true }
    },
  ])
  volume { name = "home" }
  dynamic "volume" {
    for_each = var.lake[*]
    content {
      name = "lake"
      efs_volume_configuration {
        file_system_id     = volume.value.file_system
        transit_encryption = "ENABLED"
        authorization_config {
          access_point_id = volume.value.access_point
          iam             = "ENABLED"
        }
      }
    }
  }
}
