"""What an operator does with an environment on AWS, from their own machine."""
