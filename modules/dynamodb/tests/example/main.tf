module "dynamodb" {
  source = "../.."

  name                = "atrium-dev"
  deletion_protection = false
}
