"""Building blocks that tests of several parts share; no tests."""

import pytest

# Before these are imported, so that their failed assertions show what they compared.
pytest.register_assert_rewrite(f"{__name__}.freezing", f"{__name__}.training")
