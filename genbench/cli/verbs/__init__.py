"""One module a verb; importing this package registers them all, in the order ``--help`` lists them."""

from genbench.cli.verbs import (
    compare,
    doctor,
    evaluate,
    explain,
    export,
    listing,
    plot,
    report,
    run,
    sample,
    show,
)

__all__ = [
    "compare",
    "doctor",
    "evaluate",
    "explain",
    "export",
    "listing",
    "plot",
    "report",
    "run",
    "sample",
    "show",
]
