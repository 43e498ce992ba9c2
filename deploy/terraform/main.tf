# The parts and what each is told of the others.
locals {
  name    = "ims-${var.environment}"
  secrets = ["jwt_key", "secret_key", "pseudonym_key", "metrics_token", "database_ca", "parts_certificate", "parts_key"]
  # Of the task sizes that AWS offers; as in deploy/compose and deploy/kubernetes. A load balancer that finds a target not
  # well has it replaced, so it asks whether the process lives: one without its database answers 503 and stays.
  parts = {
    api        = { command = ["serve", "--role", "api"], port = 8000, cpu = 1024, memory = 2048, health = "/health" }
    dashboards = { command = ["serve", "--role", "dashboards"], port = 8000, cpu = 2048, memory = 6144, health = "/health" }
    dagster    = { command = ["serve", "--role", "dagster"], port = 3000, cpu = 4096, memory = 8192, health = "/server_info" }
  }
  counts = { api = var.api_tasks, dashboards = { least = 2, most = 2 }, dagster = { least = 1, most = 1 } }
}

module "network" {
  source = "./modules/network"
  name   = local.name
  key    = aws_kms_key.this.arn
  zones  = [for letter in ["a", "b", "c"] : "${var.region}${letter}"]
}

module "data" {
  source   = "./modules/data"
  name     = local.name
  key      = aws_kms_key.this.arn
  network  = module.network
  class    = var.database_class
  clients  = [for each in module.part : each.security_group]
  is_spare = var.environment == "staging"
}

module "door" {
  source  = "./modules/door"
  name    = local.name
  host    = var.host
  network = module.network
  parts   = { for name in ["api", "dashboards"] : name => local.parts[name] }
}

# Values are put in by hand or by a rotation, never by Terraform; a task whose secret has none does not start, and says
# which: aws secretsmanager put-secret-value --secret-id ims-production/jwt_key --secret-string file://key.pem
resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57: rotated by our own drill, as old keys must go on verifying for a while (docs/security.md)
  for_each   = toset(local.secrets)
  name       = "${local.name}/${each.value}"
  kms_key_id = aws_kms_key.this.arn
}

module "part" {
  source   = "./modules/service"
  for_each = local.parts
  name     = "${local.name}-${each.key}"
  part     = each.value
  count_of = local.counts[each.key]
  image    = var.image
  key      = aws_kms_key.this.arn
  network  = module.network
  lake     = each.key == "api" ? null : merge(module.data.lake, { read_only = each.key == "dashboards" })
  # who may knock: the load balancer, and the dashboards at the API
  target      = try(module.door.targets[each.key], null)
  callers     = each.key == "dagster" ? [] : [module.door.security_group]
  environment = merge(local.environment, each.key == "dagster" ? {} : local.tls)
  secrets = merge(
    { for name in local.secrets : "IMS_${upper(name)}" => aws_secretsmanager_secret.this[name].arn
    if each.key != "dagster" || !startswith(name, "parts_") },
    { IMS_DATABASE_URL = module.data.database_url, IMS_LIMITS_STORAGE = module.data.redis_url },
  )
}

locals {
  # what the load balancer asks speaks TLS itself, and nothing else
  tls = {
    IMS_TLS_CERTIFICATE_FILE = "/var/lib/ims/parts.crt"
    IMS_TLS_KEY_FILE         = "/var/lib/ims/parts.key"
  }
  environment = {
    IMS_ALLOWED_HOSTS = var.host
    IMS_PUBLIC_URL    = "https://${var.host}"
    IMS_API_URL       = "https://${var.host}" # through the door, so that what happens to the API is its own matter
    IMS_PROXIES       = module.network.cidr
    IMS_LAKE_PATH     = "/var/lib/lake"
    IMS_REQUIRED      = "database_url jwt_key secret_key pseudonym_key metrics_token"
    IMS_DRAIN_SECONDS = "12" # the load balancer has let go of it by then
    # everybody, once a shift; a chain whose tills cannot takes staff off, and knows what it does (ASVS 6.3.3)
    IMS_REQUIRE_TOTP_ROLES = jsonencode(["superadmin", "admin", "buyer", "manager", "accountant", "analyst", "staff"])

    TMPDIR            = "/var/lib/ims"
    PGSSLMODE         = "verify-full"
    PGSSLROOTCERT     = "/var/lib/ims/database-ca.crt"
  }
}

module "watch" {
  source   = "./modules/watch"
  name     = local.name
  key      = aws_kms_key.this.arn
  mail     = var.alarm_mail
  dollars  = var.budget_dollars
  balancer = module.door.balancer
  database = module.data.database_id
  services = { for name, each in module.part : name => each.service }
}

output "address" {
  description = "Point the host's DNS here, and prove the certificate with the records below."
  value       = module.door.address
}

output "certificate_records" {
  value = module.door.certificate_records
}
