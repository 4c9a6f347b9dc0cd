"""User records in Postgres, with invitations and changes of status."""
