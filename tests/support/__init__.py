"""What tests of several parts share: no tests, only what they are built from."""

import pytest

# Before these are imported: their assertions then say what they compared.
pytest.register_assert_rewrite(f"{__name__}.freezing", f"{__name__}.training")
