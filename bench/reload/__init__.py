"""The time from a saved file to the first answer that shows it. README.md describes the method."""
