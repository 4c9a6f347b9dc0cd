# Once per account, by an administrator: make bootstrap. The bucket cannot hold the state of the apply that makes it, so that
# command makes it empty and has Terraform adopt it (tools/operations/bootstrap.py).
terraform {
  backend "s3" {
    key          = "bootstrap/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
