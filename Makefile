PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
ADDRESS := 127.0.0.1:8000
SCREENSHOTS := var/screenshots

.PHONY: run test test-sqlite test-postgres check lint faults screenshots docs messages benchmark clean

run: $(VENV)/installed
	@$(RUN) manage.py migrate --verbosity 0
	@$(RUN) manage.py collectstatic --no-input --verbosity 0
	@$(RUN) manage.py prepare_demo
	@echo "The import desk is at http://$(ADDRESS)/ – stop it with Ctrl-C."
	@ADDRESS=$(ADDRESS) $(VENV)/bin/supervisord -c supervisord.conf

test: $(VENV)/installed-dev
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target test-sqlite test-postgres

test-sqlite: $(VENV)/installed-dev
	@echo "Tests on SQLite"; $(RUN) -m pytest --db sqlite

test-postgres: $(VENV)/installed-dev
	@echo "Tests on PostgreSQL"; $(RUN) -m pytest --db postgres

check: lint test

lint: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(RUN) manage.py check
	$(RUN) manage.py makemigrations --check --dry-run

faults: $(VENV)/installed-dev
	$(RUN) -m pytest --db sqlite --faults all tests/faults
	$(RUN) -m pytest --db postgres --faults all tests/faults

screenshots: $(VENV)/installed-dev
	@mkdir -p $(SCREENSHOTS)
	$(RUN) -m pytest --screenshots $(SCREENSHOTS) tests/pages/test_every_page.py -k everybody
	@echo "The pictures are in $(SCREENSHOTS)."

docs: $(VENV)/installed-dev
	$(RUN) manage.py shell --verbosity 0 --command \
		"from local_import.errors.page import page; print(page(), end='')" > docs/reference/error-codes.md

messages: $(VENV)/installed-dev
	$(RUN) manage.py makemessages --locale ja --no-location --no-obsolete --no-wrap \
		--ignore $(VENV) --ignore var --ignore tests --ignore benchmarks
	$(RUN) manage.py compilemessages --locale ja --ignore $(VENV)

benchmark: $(VENV)/installed-dev
	$(RUN) benchmarks/run.py
	$(RUN) benchmarks/background.py

$(VENV)/installed: requirements.txt
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@$(VENV)/bin/pip install --quiet --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
