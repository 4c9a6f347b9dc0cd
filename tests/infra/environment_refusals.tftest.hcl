# What an environment refuses beside its modules; tests/infra/test_refusals.py runs it on variables.tf alone.
run "values" {
  command = plan

  variables {
    account_id   = "1234"
    alarm_emails = ["operations"]
    project      = "At-rium"
    region       = "Frankfurt"
  }

  expect_failures = [var.account_id, var.alarm_emails, var.project, var.region]
}
