# IMS on AWS: terraform init -backend-config=production.backend && terraform plan -var-file=production.tfvars
# The state holds passwords: its bucket is encrypted, versioned, and readable by the deploying role alone.
terraform {
  required_version = ">= 1.10"
  required_providers {
    aws    = { source = "hashicorp/aws", version = "~> 6.0" }
    random = { source = "hashicorp/random", version = "~> 3.7" }
  }
  backend "s3" { # bucket, key and region come from <environment>.backend
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region
  default_tags { tags = { project = "ims", environment = var.environment } }
}
