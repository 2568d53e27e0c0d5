"""One module a verb; importing this package registers them all, in the order ``--help`` lists them."""

from genbench.cli.verbs import (
    check,
    compare,
    doctor,
    evaluate,
    explain,
    export,
    listing,
    new,
    plot,
    report,
    run,
    sample,
    show,
)

__all__ = [
    "check",
    "compare",
    "doctor",
    "evaluate",
    "explain",
    "export",
    "listing",
    "new",
    "plot",
    "report",
    "run",
    "sample",
    "show",
]
