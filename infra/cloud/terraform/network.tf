resource "tencentcloud_vpc" "main" {
  name         = local.name
  cidr_block   = var.network
  is_multicast = false
}

resource "tencentcloud_subnet" "functions" {
  name              = "${local.name}-functions"
  vpc_id            = tencentcloud_vpc.main.id
  availability_zone = var.zone
  cidr_block        = var.network
  is_multicast      = false
}

resource "tencentcloud_security_group" "redis" {
  name        = "${local.name}-redis"
  description = "Redis is for the functions alone."
}

resource "tencentcloud_security_group_rule_set" "redis" {
  security_group_id = tencentcloud_security_group.redis.id

  ingress {
    action      = "ACCEPT"
    cidr_block  = var.network
    protocol    = "TCP"
    port        = "6379"
    description = "The private network."
  }
  ingress {
    action      = "DROP"
    cidr_block  = "0.0.0.0/0"
    protocol    = "ALL"
    port        = "ALL"
    description = "Nobody else."
  }
}
