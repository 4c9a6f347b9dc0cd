"""The repetition of erasures that a restored backup has undone."""
