# Every target sets up what it needs in .venv: nothing has to be installed by hand.
PYTHON ?= python3
VENV := .venv
TORCH := .venv-torch
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
SOURCES := pyproject.toml constraints.txt
OUT := demo-output

.PHONY: help demo test test-torch lint bench soak docs clean

help:
	@sed -n 's/^## //p' Makefile

## make demo   draw a small gallery, scan it, print the table and the report's path
demo: $(VENV)/.core
	$(BIN)/python -m lightkeeper.testing.gallery $(OUT)/gallery
	$(BIN)/lightkeeper scan $(OUT)/gallery/pictures --tier deep \
	  --trust-anchors $(OUT)/gallery/anchors.pem --html $(OUT)/report.html || test $$? -eq 3
	@echo "Report: $(OUT)/report.html"

## make test   set up and run the tests (a page test needs Chromium, see CONTRIBUTING.md)
test: $(VENV)/.test
	@sh .ci/browser
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# Two tests need torchvision, whose build does not load beside this torch; three run where torch is absent.
## make test-torch  the tests that need torch or a peer that brings it, in an environment of their own
test-torch: $(TORCH)/.test
	$(TORCH)/bin/python -m pytest -n 2 --dist loadgroup -k 'not published_vits and not absent_is_named' \
	  $$(grep -rlE 'importorskip\("(torch|diffusers|transformers|cv2|imwatermark)"' tests)

## make lint   formatting, types and the layers between rooms
lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## make bench  measure against named peers in one run; writes docs/benchmarks.md
bench: $(VENV)/.bench
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python benchmarks/run.py

## make soak   the long runs: kill loops, memory over 10,000 files, large fuzzing
soak: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 -m soak

## make docs   build the documentation; the tutorial is executed
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/pip $(SOURCES)
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/bin/pip $(SOURCES)
	$(PIP) install -c constraints.txt -e '.[test,docs]'
	@touch $@ $(VENV)/.core $(VENV)/.docs

$(VENV)/.docs: $(VENV)/bin/pip $(SOURCES)
	$(PIP) install -c constraints.txt -e '.[docs]'
	@touch $@ $(VENV)/.core

# torch is named by its exact version: a looser request takes a build of several gigabytes.
$(TORCH)/.test: $(SOURCES)
	$(PYTHON) -m venv $(TORCH)
	$(TORCH)/bin/pip --disable-pip-version-check --quiet install torch==2.13.0
	$(TORCH)/bin/pip --disable-pip-version-check --quiet install -c constraints.txt -e '.[test,train,detect-diffusers]' \
	  invisible-watermark==0.2.0 transformers
	@touch $@

$(VENV)/.bench: $(VENV)/bin/pip $(SOURCES)
	$(PIP) install torch==2.13.0
	$(PIP) install -c constraints.txt -e '.[bench]'
	@touch $@ $(VENV)/.core

clean:
	rm -rf $(VENV) $(TORCH) $(OUT) docs/_build
