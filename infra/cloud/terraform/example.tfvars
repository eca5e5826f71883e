# Made up, as infra/cloud/env.example.
stage           = "prod"
region          = "ap-guangzhou"
zone            = "ap-guangzhou-6"
public_base_url = "https://recon3d.example.com"
cors_origins    = ["https://www.example.com", "https://studio.example.com"]
redis_password  = "Vn3kQ8xTb2LwY6sJ"
