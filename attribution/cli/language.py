"""The language of what is printed: an option that the commands share, and an environment variable for all of them."""

from __future__ import annotations

import click

LANGUAGES = ("en", "zh")

language_option = click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, envvar="ATTRIBUTION_LANG",
    show_envvar=True, help="Language of the sentences.",
)  # fmt: skip
