# Two commands for a fresh machine with Python 3.10 or newer, make and git:
#   make demo    trains a teacher, a student and a distilled student; prints a table
#   make test    runs the tests
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint docs env clean

demo: $(INSTALLED)
	$(BIN)/python tools/demo.py

# Two tests at a time, each with a thread: networks this small gain little from more.
test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=2 --dist=worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: $(INSTALLED)
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build

env: $(INSTALLED)

$(INSTALLED): requirements/pinned.txt setup.py
	@$(PYTHON) -c "import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))" || \
	    { echo "texture_kd needs Python 3.10 to 3.13: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -r requirements/pinned.txt
	$(BIN)/python -m pip install --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info docs/_build work_dirs/demo
