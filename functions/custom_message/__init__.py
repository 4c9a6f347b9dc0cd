"""The trigger CustomMessage, which writes the e-mails that Cognito sends."""
