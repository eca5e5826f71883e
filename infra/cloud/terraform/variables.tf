variable "stage" {
  description = "STAGE: a part of every name."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,29}$", var.stage))
    error_message = "Small letters, digits and -, a letter first, 30 at most."
  }
}

variable "region" {
  description = "TENCENT_REGION, of everything."
  type        = string
}

variable "zone" {
  description = "The availability zone of the subnet and of Redis, such as ap-guangzhou-6."
  type        = string
}

variable "network" {
  description = "The private network's addresses; its one subnet has all of them."
  type        = string
  default     = "10.0.0.0/16"
}

variable "public_base_url" {
  description = "PUBLIC_BASE_URL: the origin of the API, whose page reads and writes objects."
  type        = string
  validation {
    condition     = can(regex("^https://[^/]+$", var.public_base_url))
    error_message = "https:// and a host, nothing after it."
  }
}

variable "cors_origins" {
  description = "CORS_ORIGINS: other origins whose pages may call the API."
  type        = list(string)
  default     = []
}

variable "redis_password" {
  description = "8 to 16 characters, letters and digits both. It is in the state: keep that where secrets are kept."
  type        = string
  sensitive   = true
  validation {
    condition     = can(regex("^[A-Za-z0-9]{8,16}$", var.redis_password))
    error_message = "8 to 16 letters and digits: other characters would have to be escaped in REDIS_URL."
  }
}

variable "redis_memory" {
  description = "Megabytes."
  type        = number
  default     = 1024
}

variable "redis_type" {
  description = "15: Redis 6.2, standard edition. 16: cluster edition, for which REDIS_URL is redis+cluster://."
  type        = number
  default     = 15
}

variable "log_days" {
  description = "How long the functions' logs are kept, in days; 3640: for ever."
  type        = number
  default     = 30
  validation {
    condition     = floor(var.log_days) == var.log_days && (var.log_days >= 1 && var.log_days <= 3600 || var.log_days == 3640)
    error_message = "A whole number of days, 1 to 3600, or 3640."
  }
}

variable "certificate_id" {
  description = "The certificate of the domain. With one, Terraform makes the domain, once the functions are deployed; empty: make deploy does."
  type        = string
  default     = ""
}
