"""The development environment, locked dependencies, new services, and the modules' READMEs."""
