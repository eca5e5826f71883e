output "environment" {
  description = "What infra/cloud/env.example asks for and is known here."
  sensitive   = true
  value       = <<-EOT
    STAGE=${var.stage}
    TENCENT_REGION=${var.region}
    VPC_ID=${tencentcloud_vpc.main.id}
    SUBNET_ID=${tencentcloud_subnet.functions.id}
    PUBLIC_BASE_URL=${var.public_base_url}
    CORS_ORIGINS=${join(",", var.cors_origins)}
    COS_BUCKET_URL=https://${tencentcloud_cos_bucket.main.bucket}.cos.${var.region}.myqcloud.com
    CLS_LOGSET=${tencentcloud_cls_logset.main.id}
    CLS_TOPIC=${tencentcloud_cls_topic.functions.id}
    REDIS_URL=${var.redis_type == 16 ? "redis+cluster" : "redis"}://:${var.redis_password}@${tencentcloud_redis_instance.main.ip}:6379${var.redis_type == 16 ? "" : "/0"}
  EOT
}
