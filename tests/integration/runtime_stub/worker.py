"""A stand-in for the worker and the scheduler: waits, or refuses to stop, or dies at once, as STUB_WORKER says."""

import os
import signal
import subprocess
import sys
import time


def main() -> None:
    """Behave as the environment asks, until stopped."""
    wish = os.environ.get("STUB_WORKER")
    if wish == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if wish == "parent" and sys.argv[1:] == ["default"]:
        # a child of its own, which does not die with it
        subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)", "stub-grandchild"], start_new_session=True
        )
    if wish == "crash":
        sys.exit(3)
    time.sleep(600)


if __name__ == "__main__":
    main()
