# Once per account, by an administrator. The bucket cannot hold the state of the apply that makes it, so the first time:
#   printf 'terraform {\n  backend "local" {}\n}\n' > backend_override.tf
#   terraform init && terraform apply
#   rm backend_override.tf
#   terraform init -migrate-state -backend-config="bucket=…" -backend-config="region=…"
terraform {
  backend "s3" {
    key          = "bootstrap/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
