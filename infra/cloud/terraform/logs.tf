# What the functions log goes here; infra/cloud/alerts and infra/cloud/dashboards are of this topic. Its index is infra/cloud/alerts/cls-index.json.
resource "tencentcloud_cls_logset" "main" {
  logset_name = local.name
}

resource "tencentcloud_cls_topic" "functions" {
  logset_id  = tencentcloud_cls_logset.main.id
  topic_name = "${local.name}-functions"
  describes  = "What the functions log."
  period     = var.log_days
}
