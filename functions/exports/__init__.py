"""The export of everything that is stored of a person, as one JSON document."""
