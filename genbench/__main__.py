"""``python -m genbench`` is ``genbench``."""

from genbench.cli.app import main

main()
