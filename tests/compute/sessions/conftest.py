"""A relay and a centre on this machine, with an agent that the test steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from huisuan.compute.jobs.relay_address import PORT

if TYPE_CHECKING:
    from support.session_site import RelayProcess, SessionSite


@pytest.fixture
def relay(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[RelayProcess]:
    """The relay's process, beside the platform."""
    from support.session_site import RelayProcess

    made = RelayProcess()
    monkeypatch.setenv(PORT, str(made.port))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def site(live_server: Any, relay: RelayProcess, tmp_path: Path) -> Iterator[SessionSite]:
    """A centre on this machine whose agent has called once."""
    from support.jobs import centre
    from support.session_site import SessionSite

    centre("hf-local")
    made = SessionSite(live_server.url, tmp_path, "hf-local", "local", {"slots": "4", "grace_seconds": "2"})
    yield made
    made.close()
