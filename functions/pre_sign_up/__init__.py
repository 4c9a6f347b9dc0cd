"""The trigger PreSignUp. It decides by the event alone, so Cognito may repeat the call."""
