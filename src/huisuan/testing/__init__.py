"""Conformance suites for authors of engines and of policies, to be subclassed in their own tests.

Needs pytest, which the package does not bring. May import any room; nothing else imports it. Public, like the engine
interface: docs/reference/compatibility.md.
"""

import pytest

pytest.register_assert_rewrite("huisuan.testing.engine_conformance", "huisuan.testing.policy_conformance")
