"""Pages open fast: nothing that is imported before the first paint brings torch."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_screen_imports_torch():
    modules = sorted(
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") for path in (ROOT / "pages").rglob("*.py")
    )
    modules = [name for name in modules if not name.endswith((".page", ".__init__"))]
    assert len(modules) > 20
    code = f"import sys, {', '.join(modules)}; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.strip() == "False", result.stderr
