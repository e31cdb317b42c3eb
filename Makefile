# Needs python3 >= 3.11 with venv. Nothing is fetched but Python packages.
# `make test` wants the Debian packages flite, espeak-ng, festival and festvox-kdlpc16k too, for the
# tests of the listener's recipe, libportaudio2, pulseaudio, pulseaudio-utils and
# libasound2-plugins for those of the microphone, and chromium for those of the page; without them
# these tests are skipped.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test wheel wheel-check

# a talk, interpreted while it is being spoken
demo: $(BIN)/python
	$(BIN)/pip install .
	$(BIN)/simulst interpret demos/talk/audio.flac --to de --pace live

test: $(BIN)/python
	$(BIN)/pip install -e ".[test]"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

wheel: $(BIN)/python
	rm -rf dist
	$(BIN)/pip wheel --no-deps --wheel-dir dist .

# what is in the wheel, and that an installed simulst finds its packs; after `make test`
wheel-check: wheel
	SIMULST_WHEEL="$$(echo dist/*.whl)" $(BIN)/python -m pytest tests/test_packaging.py
	rm -rf build/wheel-check
	$(BIN)/pip install --quiet --no-deps --target build/wheel-check dist/*.whl
	$(BIN)/python -m simulst packs > build/packs-here
	cd build && PYTHONPATH=wheel-check ../$(BIN)/python -m simulst packs > packs-installed
	diff build/packs-here build/packs-installed

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
