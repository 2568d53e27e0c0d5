import subprocess
import sys

import pytest


@pytest.mark.run
def test_metrics_import_little():
    """Nothing beyond torch: metrics work wherever torch does, whatever else is installed or broken."""
    code = (
        "import sys, genbench.metrics\n"
        "heavy = ('torchmetrics', 'torchvision', 'scipy', 'sklearn', 'pandas')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
