resource "tencentcloud_redis_instance" "main" {
  name               = local.name
  availability_zone  = var.zone
  type_id            = var.redis_type
  mem_size           = var.redis_memory
  redis_shard_num    = 1
  redis_replicas_num = 1
  password           = var.redis_password
  port               = 6379
  vpc_id             = tencentcloud_vpc.main.id
  subnet_id          = tencentcloud_subnet.functions.id
  security_groups    = [tencentcloud_security_group.redis.id]

  lifecycle {
    prevent_destroy = true # every task and every picture's record
  }
}
