resource "tencentcloud_cos_bucket" "main" {
  bucket = "${local.name}-${local.app_id}"
  acl    = "private"

  cors_rules {
    allowed_origins = concat([var.public_base_url], var.cors_origins)
    allowed_methods = ["GET", "HEAD", "PUT"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag", "Content-Length", "Content-Range", "x-cos-hash-crc64ecma", "x-cos-request-id"]
    max_age_seconds = 600
  }

  dynamic "lifecycle_rules" {
    for_each = ["incoming", "pictures", "reconstruction"]
    content {
      id            = "${local.app}-${lifecycle_rules.value}"
      filter_prefix = "${lifecycle_rules.value}/"
      abort_incomplete_multipart_upload {
        days_after_initiation = 1
      }
      dynamic "expiration" {
        for_each = lifecycle_rules.value == "incoming" ? [3] : []
        content {
          days = expiration.value
        }
      }
    }
  }

  lifecycle {
    prevent_destroy = true                          # every picture and every result
    ignore_changes  = [cors_rules, lifecycle_rules] # from then on make deploy keeps them, beside those of others
  }
}
