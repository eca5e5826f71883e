# A role for each function that asks something of COS, with the policy of infra/cloud/roles.
locals {
  policies = {
    for file in setsubtract(fileset("${path.module}/../roles", "*.json"), ["trust.json"]) :
    trimsuffix(file, ".json") => templatefile("${path.module}/../roles/${file}", {
      region = var.region
      appid  = local.app_id
      bucket = tencentcloud_cos_bucket.main.bucket
    })
  }
}

resource "tencentcloud_cam_role" "function" {
  for_each    = local.policies
  name        = "${local.name}-${each.key}"
  description = "What the function ${each.key} may do."
  document    = file("${path.module}/../roles/trust.json")
}

resource "tencentcloud_cam_policy" "function" {
  for_each    = local.policies
  name        = "${local.name}-${each.key}"
  description = "infra/cloud/roles/${each.key}.json"
  document    = each.value
}

resource "tencentcloud_cam_role_policy_attachment" "function" {
  for_each  = local.policies
  role_id   = tencentcloud_cam_role.function[each.key].id
  policy_id = tencentcloud_cam_policy.function[each.key].id
}
