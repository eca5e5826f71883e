# What has to be there before `make deploy STAGE=…`: the private network, Redis, the bucket, a topic for the logs, a role for each function; and, if
# wanted, the domain.
# One workspace or folder of state for each stage:
#
#   terraform init
#   terraform apply -var-file=prod.tfvars        # as example.tfvars; the account is in TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY
#   terraform output -raw environment            # lines for infra/cloud/prod.env
terraform {
  required_version = ">= 1.5"
  required_providers {
    tencentcloud = {
      source  = "tencentcloudstack/tencentcloud"
      version = "~> 1.82"
    }
  }
}

provider "tencentcloud" {
  region = var.region
}

data "tencentcloud_user_info" "account" {}

locals {
  app    = "recon3d" # as in serverless.yml
  name   = "${local.app}-${var.stage}"
  app_id = data.tencentcloud_user_info.account.app_id
}
