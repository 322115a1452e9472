# SPDX-License-Identifier: GPL-3.0-or-later
# Each target installs what it needs first. Nothing is installed outside this folder, except missing Debian system
# libraries where that is allowed without a password.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
VENV := .venv/Scripts/python.exe
else
VENV := .venv/bin/python
endif
IMAGE ?= samples/chair.png
ARGS ?=

.PHONY: help demo test unit lint build dist dev docs window screenshots bench soak environment clean
help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 21

demo: ## Generate a model without an account: demo/model.glb, scene.blend, preview.png (IMAGE=my.png)
	@$(PYTHON) tools/environment.py demo
	@$(VENV) tools/demo.py "$(IMAGE)"

test: ## Run lint and all tests without a window, in each Blender version (ARGS="-k name")
	@$(PYTHON) tools/run_tests.py $(ARGS)

unit: environment ## Run the tests that need no Blender, in two minutes
	@$(VENV) -m pytest -q tests/unit $(ARGS)

lint: environment ## Check with ruff, mypy, import-linter and codespell (ARGS=--fix formats first)
	@$(VENV) tools/lint.py $(ARGS)

build: ## Build and validate the extension's zip in build/
	@$(PYTHON) tools/environment.py demo
	@$(VENV) tools/build.py

dist: ## Build a release from the last commit: zip and extension repository in build/repository
	@$(PYTHON) tools/environment.py demo
	@$(VENV) tools/dist.py $(ARGS)

dev: ## Link this checkout into your own Blender, with a Reload operator (ARGS="--blender 5.2" or "--remove")
	@$(PYTHON) tools/dev.py $(ARGS)

docs: environment ## Write the generated parts of docs/, and build the site in build/site
	@$(PYTHON) tools/environment.py docs
	@$(VENV) tools/build_site.py $(ARGS)

window: environment ## Test real Blender 4.3 and 5.2 with mouse and keyboard (root on Debian; build/screens)
	@status=0; \
	$(VENV) -m pytest -v -n 2 -m "not long and not alone" tests/window $(ARGS) || status=1; \
	$(VENV) -m pytest -v -m "alone and not long" tests/window $(ARGS) || status=1; \
	exit $$status

screenshots: environment ## Retake the screenshots in docs/images (root on Debian; ARGS="running --suite trixie")
	@$(VENV) tools/screenshots.py $(ARGS)

bench: environment ## Measure how long the main thread blocks when a model arrives, against a direct import
	@$(VENV) benchmarks/bench.py $(ARGS)

soak: environment ## Run all tests in every version, and the long ones: kills, faults; one to two hours
	@status=0; $(PYTHON) tools/run_tests.py --every-version $(ARGS) || status=1; \
	for tests in tests/unit "tests --ignore=tests/unit" tests/window; do \
	  $(VENV) -m pytest -m long --timeout=3600 -o faulthandler_timeout=3660 $$tests $(ARGS) || [ $$? = 5 ] || status=1; \
	done; exit $$status

environment:
	@$(PYTHON) tools/environment.py tests

clean: ## Remove what was built, but keep the environments
	rm -rf build demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
