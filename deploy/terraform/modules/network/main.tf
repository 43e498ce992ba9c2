# A network of three zones: the door in public subnets, everything else in private ones. Each zone has its own way out,
# so that one that is lost takes none of the others with it.
variable "name" { type = string }
variable "key" { type = string }

variable "zones" {
  description = "Three availability zones, by name: a new one of AWS must not move what is there."
  type        = list(string)
}

data "aws_region" "this" {}

locals { cidr = "10.40.0.0/16" }

resource "aws_vpc" "this" {
  cidr_block           = local.cidr
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

# what AWS makes open by itself, closed
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "public" {
  for_each          = { for index, zone in var.zones : zone => index }
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(local.cidr, 8, each.value)
}

resource "aws_subnet" "private" {
  for_each          = { for index, zone in var.zones : zone => index }
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(local.cidr, 4, each.value + 1)
}

resource "aws_eip" "out" {
  # checkov:skip=CKV2_AWS_19: it is a NAT gateway's, not an instance's
  for_each = aws_subnet.public
  domain   = "vpc"
}

resource "aws_nat_gateway" "this" {
  for_each      = aws_subnet.public
  subnet_id     = each.value.id
  allocation_id = aws_eip.out[each.key].id
  depends_on    = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }
}

resource "aws_route_table" "private" {
  for_each = aws_nat_gateway.this
  vpc_id   = aws_vpc.this.id
  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = each.value.id
  }
}

resource "aws_route_table_association" "public" {
  for_each       = aws_subnet.public
  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  for_each       = aws_subnet.private
  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[each.key].id
}

# backups go to S3 without leaving AWS, and without the price of a NAT gateway
resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.this.id
  service_name    = "com.amazonaws.${data.aws_region.this.region}.s3"
  route_table_ids = [for each in aws_route_table.private : each.id]
}

output "vpc" { value = aws_vpc.this.id }
output "cidr" { value = local.cidr }
output "public" { value = [for each in aws_subnet.public : each.id] }
output "private" { value = [for each in aws_subnet.private : each.id] }
