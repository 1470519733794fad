"""`python -m attribution.cli` is the command `attribution`."""

from attribution.cli import main

main()
