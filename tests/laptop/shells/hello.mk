# Further targets for the tests of shells: `make -f Makefile -f tests/laptop/shells/hello.mk hello-up`.
words-and-status: environment
	@$(PYTHON) -c 'print("├─ ✓")'
	@$(PYTHON) -m tools.laptop status --format json

# A small stack, by the same way as `make up`.
hello-%: environment
	@$(PYTHON) -m local_aws $* --root "$(HELLO)"
