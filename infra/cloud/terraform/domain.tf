# The routes of infra/cloud/routes.yaml, as make deploy sets them: with both, each finds what the other has made, and leaves it alone.
locals {
  routes = yamldecode(file("${path.module}/../routes.yaml")).routes
}

resource "tencentcloud_scf_custom_domain" "main" {
  count    = var.certificate_id == "" ? 0 : 1
  domain   = trimprefix(var.public_base_url, "https://")
  protocol = "HTTPS"

  cert_config {
    certificate_id = var.certificate_id
  }

  dynamic "endpoints_config" {
    for_each = { for route in local.routes : route.path => route.function }
    content {
      namespace     = "default"
      function_name = "${local.name}-${endpoints_config.value}"
      qualifier     = "$LATEST"
      path_match    = endpoints_config.key
    }
  }
}
