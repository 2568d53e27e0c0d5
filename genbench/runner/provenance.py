"""What a run writes of itself before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from genbench.core.bounded import MIB, read_text
from genbench.core.environment import code_version, environment_id
from genbench.core.errors import RecordError
from genbench.core.ids import JSON
from genbench.store.atomic import write_text
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import Cohort
from genbench.suite.schema import Given, Suite


def suite_of(directory: RunDirectory) -> Suite:
    """The suite a run was made with, every option decided, so that it can be run again.

    Raises:
        RecordError: the run has no ``resolved.json`` that says it, or one of an earlier genbench.
    """
    try:
        content = json.loads(read_text(directory.resolved, 16 * MIB))
        content.pop("given", None)
        models = {
            cohort["label"]: {**cohort["options"], "name": cohort["name"], "label": cohort["label"]}
            for cohort in content.pop("cohort")
        }
        content |= {"dataset": content.pop("asked"), "model": list(models.values())}
        return Suite.model_validate(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordError(
            f"cannot tell from {directory.resolved} how that run was made ({type(error).__name__}), so it "
            "cannot be repeated. Run its suite again with this genbench, and compare with that run."
        ) from error


_NOT_DECISIVE = ("gate", "alpha", "asked", "given")


def decisive(resolved: str) -> object:
    """What of a resolved suite, as text, decides its numbers: gates may change while a run goes on."""
    try:
        content = json.loads(resolved)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    return {key: value for key, value in content.items() if key not in _NOT_DECISIVE}


def resolved_text(suite: Suite, plan: Sequence[Cohort]) -> str:
    """The suite with everything decided, as it is written down."""
    content = {
        **suite.model_dump(mode="json", exclude={"model", "dataset"}),
        "dataset": [
            {**asdict(data), "precision": precision}
            for data, precision in {c.data: c.trials[0].budget.precision for c in plan}.items()
        ],
        **({"given": _given(suite.given)} if suite.source else {}),
        "asked": [entry.model_dump(mode="json") for entry in suite.dataset],
        "cohort": [
            {
                **asdict(cohort.model),
                "dataset": cohort.data.name,
                "trials": {t.id: t.seed for t in cohort.trials},
            }
            for cohort in plan
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _given(given: Given) -> dict[str, object]:
    """What the command line changed of the suite file, under the names of its options."""
    return {
        "set": list(given.set_), "model": list(given.model), "seeds": given.seeds, "quick": given.quick
    }  # fmt: skip


def write_provenance(
    directory: RunDirectory,
    suite: Suite,
    plan: Sequence[Cohort],
    environment: dict[str, JSON],
) -> None:
    """Write the suite as given and as resolved, and the environment, before anything is trained.

    A run that is resumed in another environment keeps the description of the first and gets a second one.
    """
    if suite.source:
        write_text(directory.suite_file, suite.source)
    write_text(directory.resolved, resolved_text(suite, plan))
    here = environment_id(environment)
    described = json.dumps({"id": here, "code": code_version(), **environment}, indent=2) + "\n"
    file = directory.environment
    if file.exists() and f'"id": "{here}"' not in file.read_text(encoding="utf-8", errors="replace"):
        file = file.with_name(f"environment-{here}.json")
    write_text(file, described)
