"""The Hugging Face hub when it does not answer: by itself its library waits for ever."""

import re
from typing import Any

# What pins a revision.
COMMIT = re.compile("[0-9a-f]{40}")


def wait_no_longer() -> None:
    """Have requests to the hub end after HF_HUB_DOWNLOAD_TIMEOUT seconds (10) without an answer.

    The library then tries again, five times.
    """
    from huggingface_hub import constants, set_client_factory
    from huggingface_hub.utils import _http

    def bound(request: Any) -> None:
        # With each request: some ask for no limit, whatever the client's is.
        # Others, of datasets, ask for 100 seconds, five times.
        longest = constants.HF_HUB_DOWNLOAD_TIMEOUT
        limits = request.extensions.get("timeout") or {}
        seconds = {
            kind: min(limits.get(kind) or longest, longest)
            for kind in ("connect", "read", "write", "pool")
        }
        request.extensions = {**request.extensions, "timeout": seconds}

    def client() -> Any:
        made = _http.default_client_factory()
        made.event_hooks["request"].append(bound)
        return made

    set_client_factory(client)
