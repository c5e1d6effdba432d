"""A stand-in for the simulator: announces itself like the real one, shows its options, and waits."""

import sys
import time

if __name__ == "__main__":
    sys.stdout.write("ready to be mistaken for the desk\n")
    sys.stdout.flush()
    sys.stderr.write(f"simulated with {' '.join(sys.argv[1:])}\n")
    time.sleep(600)
