# The checks by name: by hand, in .ci/run and in .github/workflows/ci.yml. They run what is installed,
# as `pip install ".[test,lite,release]"` does.
.PHONY: all check fast slow jax package snapshots bench constraints
.NOTPARALLEL:

all: check fast slow

check:
	ruff check .
	ruff format --check .
	mypy
	lint-imports

fast:
	pytest

slow:
	pytest -m slow

# Needs `pip install ".[jax]"`; the other tests do without.
jax:
	pytest -m slow tests/end_to_end/test_keras_settings.py -k jax

# The sdist, the wheel that is built from it, and a try of that wheel.
package:
	rm -rf dist
	python -m build --no-isolation
	twine check --strict dist/*
	.ci/try-wheel dist/*.whl

# What the screens look like now is how they shall look; read the difference before a commit.
snapshots:
	pytest -n 0 tests/tui/test_snapshots.py --snapshot-update

bench:
	python tests/benchmarks/bench.py

PIN = import json, sys; pins = ("{name}=={version}".format_map(package["metadata"]) \
	for package in json.load(sys.stdin)["install"] if not package["is_direct"]); \
	print(*sorted(pins, key=str.lower), sep="\n")

constraints:
	printf '# What `pip install ".[jax,lite,test,release]"` brings on Linux, Python 3.11. By: make constraints\n' \
		> .ci/constraints.new
	python3.11 -m pip install --quiet --dry-run --ignore-installed --report - ".[jax,lite,test,release]" \
		| python3.11 -c '$(PIN)' >> .ci/constraints.new
	mv .ci/constraints.new .ci/constraints.txt
