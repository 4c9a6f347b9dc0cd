"""The laptop's AWS: what AWS does for us and a laptop lacks."""
