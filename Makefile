# The ways in. Everything runs in environments that nox makes with uv: .venv, .nox and .cache here,
# downloads in the user's cache directory. Debian packages that are missing are installed when run as root.

PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell command -v $(name))))
NOX := .venv/bin/nox
REPORTS := .cache/reports

.DEFAULT_GOAL := help
.PHONY: help test check lint unit attacks demo demo-stop lock clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' $(MAKEFILE_LIST)

# Two lanes side by side, of about the same length; cheap checks first, while a new machine installs what hosts need; last
# what keeps all processors busy alone. No stage begins after one has failed. Of the stages that make hosts no two with
# many are at work at once: a machine has room for some 25 (inotify instances).
FIRST := lint,sanity,unit(2.19),unit(2.16),unit(2.18),unit(2.21),integration,attacks(2.16),attacks(2.18),windows(2.21),path,windows(2.19)
SECOND := hosts,e2e(2.16),e2e(2.18),attacks(2.21),attacks(2.19),e2e(2.21),faults,e2e(2.19)

test: $(NOX)  ## every check and test; begins nothing more when a stage has failed
	@rm -rf $(REPORTS) && mkdir -p $(REPORTS)
	@status=0; .venv/bin/python tests/tools/lanes.py $(NOX) $(REPORTS) '$(FIRST)' '$(SECOND)' || status=$$?; \
	.venv/bin/python tests/tools/summary.py $(REPORTS) $$status

check: $(NOX)  ## in two minutes: lint, and the unit tests on the main ansible-core
	@$(NOX) --session lint 'unit(2.19)'

lint: $(NOX)  ## secrets, locks, workflows, ruff, mypy, ansible-lint, documentation
	@$(NOX) --session lint

unit: $(NOX)  ## unit tests on each ansible-core
	@$(NOX) --session unit

attacks: $(NOX)  ## attacks on the collection, on each ansible-core
	@$(NOX) --session attacks

demo: $(NOX)  ## the whole flow on hosts of its own; KEEP=1 leaves them running
	@$(NOX) --session demo

demo-stop: $(NOX)  ## remove what make demo KEEP=1 left running
	@$(NOX) --session demo -- stop

lock: $(NOX)  ## write the locks of what tests install anew, after a change of an .in file
	@$(NOX) --session lock

clean:  ## remove the environments and caches of this directory
	rm -rf .venv .nox .cache .mypy_cache .pytest_cache .ruff_cache

$(NOX): tests/requirements/bootstrap.txt
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tests/tools/apt_install.sh python3-venv
	@tests/tools/apt_install.sh ca-certificates git
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement $<
	@touch $@
