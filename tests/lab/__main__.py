"""`python -m tests.lab` is the laboratory's command line."""

from tests.lab.cli import main

main()
