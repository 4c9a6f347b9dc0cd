"""The operator's commands for an environment on AWS."""
