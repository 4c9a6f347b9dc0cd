"""The trigger PostConfirmation: create the user of a confirmed address."""
