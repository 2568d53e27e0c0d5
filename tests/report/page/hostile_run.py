"""A run with names and files that nobody would wish for."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from many_models import many_models

from genbench.core.record import CONTROLS, Record
from genbench.report.grids import write_grid

HOSTILE = "<script>alert(1)</script>"
LONG = "a_model_whose_name_tells_all_of_its_settings_" * 3
TOML = """
name = "many"
question = "Is </style><b>this</b> & that \\"safe\\"?"
seeds = 7
[train]
steps = 2000
[[model]]
name = "gan"
[[model]]
name = "vae"
# </script><script>alert(2)</script>
"""


def hostile_records(seeds: int = 5) -> list[Record]:
    """Five models on one dataset; two of them with names that are hard to show."""
    new = {"ns_gan": HOSTILE, "wgan_gp": LONG}
    return [
        replace(record, model=new.get(record.model, record.model), suite="<i>many</i>")
        for record in many_models(5, 1, seeds)
    ]


def write_run(folder: Path, records: list[Record]) -> Path:
    """A whole run directory."""
    folder.mkdir(parents=True)
    (folder / "records.jsonl").write_text("".join(record.to_json() + "\n" for record in records))
    (folder / "suite.toml").write_text(TOML)
    resolved = {
        "question": 'Is </style><b>this</b> & that "safe"?',
        "seeds": 5,
        "train": {"steps": 2000},
        "cohort": [{"label": "gan", "options": {"latent": 2}, "trials": {"t0": 0}}],
    }
    (folder / "resolved.json").write_text(json.dumps(resolved))
    environment = {"id": "e41f09", "device": "<img src=x onerror=alert(3)>", "packages": {"torch": "2.13"}}
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "timing.json").write_text(json.dumps([{"wall_s": 534.3, "phases_s": {"training": 352.7}}]))
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 1, 14, 14), dtype=np.uint8)
    dataset = records[0].dataset
    for name in (dataset, *{f"{dataset}-{r.model}" for r in records if r.model not in CONTROLS}):
        if "/" not in name:
            write_grid(folder / "grids" / f"{name}.png", images, ["one", "two"])
    return folder
