"""The command line of a checkout: `python run.py [-m] key=value ...`, by its own code, whatever is installed."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "src"))

from nsp_ablation.cli.program import main, start  # noqa: E402

if __name__ == "__main__":
    start()
    main()
