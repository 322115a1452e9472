# SPDX-License-Identifier: GPL-3.0-or-later
# Everything here makes what it needs first; nothing is installed outside this folder, except missing
# Debian system libraries where that is allowed without asking.

PYTHON ?= python3
VENV := .venv/bin/python
IMAGE ?= samples/chair.png
ARGS ?=

.PHONY: help demo test unit lint build window bench soak environment clean
help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

demo: ## A picture becomes a model, without an account: demo/model.glb, scene.blend, preview.png (IMAGE=my.png)
	@$(PYTHON) tools/environment.py demo
	@$(VENV) tools/demo.py "$(IMAGE)"

test: ## All tests but those with Blender's window, in each Blender version (ARGS="-k name")
	@$(PYTHON) tools/run_tests.py $(ARGS)

unit: environment ## The tests that need no Blender, in seconds
	@$(VENV) -m pytest -q tests/unit $(ARGS)

lint: environment ## ruff and mypy
	@$(VENV) tools/lint.py

build: ## Validate, and build the extension's zip into build/
	@$(PYTHON) tools/environment.py demo
	@$(VENV) tools/build.py

window: environment ## Real Blender 4.3 and 5.2 with mouse and keyboard (root on Debian; screenshots in build/screens)
	@status=0; \
	$(VENV) -m pytest -v -n 2 -m "not long and not alone" tests/window $(ARGS) || status=1; \
	$(VENV) -m pytest -v -m alone tests/window $(ARGS) || status=1; \
	exit $$status

bench: environment ## How long the main thread stands still on arrival, against the direct import
	@$(VENV) benchmarks/bench.py $(ARGS)

soak: environment ## The long tests: kills, faults, many processes; minutes to an hour
	@status=0; for tests in tests/unit "tests --ignore=tests/unit" tests/window; do \
	  $(VENV) -m pytest -m long --timeout=3600 $$tests $(ARGS) || [ $$? = 5 ] || status=1; \
	done; exit $$status

environment:
	@$(PYTHON) tools/environment.py tests

clean: ## Remove what was built, but not the environments
	rm -rf build demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
