"""`python -m spanmeter.gpu SOURCE …`: the command `spanmeter gpu`, where the console script is not on the path."""

import sys

from spanmeter.gpu.command import main

raise SystemExit(main(["gpu", *sys.argv[1:]]))
