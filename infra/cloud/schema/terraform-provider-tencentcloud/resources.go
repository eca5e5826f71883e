package main

import "github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"

type fields = map[string]*schema.Schema

// How an attribute may be given.
const (
	required = iota
	optional
	computed // by the platform alone
	either   // by whoever writes it, else by the platform
)

func of(kind schema.ValueType, how int, elem any) *schema.Schema {
	return &schema.Schema{Type: kind, Required: how == required, Optional: how == optional || how == either, Computed: how == computed || how == either, Elem: elem}
}

func text(how int) *schema.Schema   { return of(schema.TypeString, how, nil) }
func number(how int) *schema.Schema { return of(schema.TypeInt, how, nil) }
func flag() *schema.Schema          { return of(schema.TypeBool, optional, nil) }
func labels() *schema.Schema        { return of(schema.TypeMap, optional, nil) }

func texts(kind schema.ValueType, how int) *schema.Schema {
	return of(kind, how, &schema.Schema{Type: schema.TypeString})
}

func block(kind schema.ValueType, how int, inner fields) *schema.Schema {
	return of(kind, how, &schema.Resource{Schema: inner})
}

func single(s *schema.Schema) *schema.Schema {
	s.MaxItems = 1
	return s
}

// resources are the arguments that the provider's documentation has (website/docs/r of tencentcloudstack/terraform-provider-tencentcloud, 1.82);
// of large resources those that are of use here.
var resources = map[string]fields{
	"tencentcloud_vpc": {
		"name": text(required), "cidr_block": text(required), "assistant_cidrs": texts(schema.TypeList, either), "dns_servers": texts(schema.TypeSet, either),
		"is_multicast": flag(), "tags": labels(),
	},
	"tencentcloud_subnet": {
		"name": text(required), "vpc_id": text(required), "availability_zone": text(required), "cidr_block": text(required), "cdc_id": text(optional),
		"is_multicast": flag(), "route_table_id": text(either), "tags": labels(),
	},
	"tencentcloud_security_group": {"name": text(required), "description": text(optional), "project_id": number(either), "tags": labels()},
	"tencentcloud_security_group_rule_set": {
		"security_group_id": text(required), "ingress": block(schema.TypeList, optional, rule()), "egress": block(schema.TypeList, optional, rule()),
		"version": text(computed),
	},
	"tencentcloud_redis_instance": {
		"availability_zone": text(required), "mem_size": number(required), "auto_renew_flag": number(optional), "charge_type": text(optional),
		"force_delete": flag(), "ip": text(either), "name": text(either), "no_auth": flag(), "operation_network": text(optional),
		"params_template_id": text(optional), "password": {Type: schema.TypeString, Optional: true, Sensitive: true}, "port": number(optional),
		"prepaid_period": number(optional), "project_id": number(optional), "recycle": number(optional), "redis_replicas_num": number(optional),
		"redis_shard_num": number(optional), "replicas_read_only": flag(), "security_groups": texts(schema.TypeSet, optional),
		"subnet_id": text(either), "tags": labels(), "type_id": number(optional), "vpc_id": text(either), "status": text(computed),
	},
	"tencentcloud_cos_bucket": {
		"bucket": text(required), "acceleration_enable": flag(), "acl": text(optional), "encryption_algorithm": text(optional),
		"force_clean": flag(), "kms_id": text(optional), "log_enable": flag(), "multi_az": flag(), "tags": labels(),
		"versioning_enable": flag(), "cos_bucket_url": text(computed),
		"cors_rules": block(schema.TypeList, optional, fields{
			"allowed_headers": texts(schema.TypeList, required), "allowed_methods": texts(schema.TypeList, required),
			"allowed_origins": texts(schema.TypeList, required), "expose_headers": texts(schema.TypeList, optional), "max_age_seconds": number(optional),
		}),
		"lifecycle_rules": block(schema.TypeList, optional, fields{
			"id": text(either), "filter_prefix": text(optional),
			"abort_incomplete_multipart_upload": single(block(schema.TypeSet, optional, fields{"days_after_initiation": number(required)})),
			"expiration":                        single(block(schema.TypeSet, optional, fields{"date": text(optional), "days": number(optional), "delete_marker": flag()})),
		}),
	},
	"tencentcloud_cls_logset": {"logset_name": text(required), "tags": labels(), "create_time": text(computed), "role_name": text(computed), "topic_count": number(computed)},
	"tencentcloud_cls_topic": {
		"logset_id": text(required), "topic_name": text(required), "auto_split": flag(), "describes": text(optional), "encryption": number(optional),
		"hot_period": number(optional), "is_web_tracking": flag(), "max_split_partitions": number(optional), "partition_count": number(optional),
		"period": number(either), "storage_type": text(optional), "tags": labels(),
	},
	"tencentcloud_cam_role": {
		"name": text(required), "document": text(required), "console_login": flag(), "description": text(optional), "tags": labels(),
		"create_time": text(computed), "update_time": text(computed),
	},
	"tencentcloud_cam_policy": {
		"name": text(required), "document": text(required), "description": text(optional), "create_time": text(computed), "type": number(computed),
		"update_time": text(computed),
	},
	"tencentcloud_cam_role_policy_attachment": {
		"role_id": text(required), "policy_id": text(required), "create_mode": number(computed), "create_time": text(computed),
		"policy_name": text(computed), "policy_type": text(computed),
	},
	"tencentcloud_scf_custom_domain": {
		"domain": text(required), "protocol": text(required),
		"cert_config": single(block(schema.TypeList, optional, fields{"certificate_id": text(optional)})),
		"endpoints_config": block(schema.TypeList, required, fields{
			"function_name": text(required), "namespace": text(required), "path_match": text(required), "qualifier": text(required),
			"path_rewrite": block(schema.TypeList, optional, fields{"path": text(required), "rewrite": text(required), "type": text(required)}),
		}),
		"waf_config": single(block(schema.TypeList, optional, fields{"waf_instance_id": text(optional), "waf_open": text(optional)})),
	},
}

// rule is one of a security group.
func rule() fields {
	return fields{
		"action": text(required), "address_template_group": text(optional), "address_template_id": text(optional), "cidr_block": text(optional),
		"description": text(optional), "ipv6_cidr_block": text(optional), "port": text(either), "protocol": text(either),
		"service_template_group": text(optional), "service_template_id": text(optional), "source_security_id": text(optional),
	}
}
