"""May this person sign up? A decision about the event alone: it writes nothing, so Cognito may ask three times."""
