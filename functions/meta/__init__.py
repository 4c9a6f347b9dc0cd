"""The API about itself: is it up, and what is its contract."""
