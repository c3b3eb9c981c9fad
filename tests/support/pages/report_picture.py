"""Makes the picture of README: the report of a real run against the shop of the demo, a minute and a half long.

    python tests/support/pages/report_picture.py docs/pictures/report.png

It needs chromium (`python tests/support/system_packages.py browser`) and the extra `report`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
CLI = (sys.executable, "-m", "locust_cw_dist.tools.cli.main")
READY_PREFIX = "the target listens on "

LOAD = (
    "-f",
    str(ROOT / "deploy/compose/locustfile.py"),
    "--headless",
    "--only-summary",
    "-u",
    "40",
    "-r",
    "2",
    "-t",
    "90s",
)
RULES = ("p95(POST /checkout) < 2 s", "failure_ratio < 5 %")
SIZE = "1280,900"


def main(file: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        make_report(page)
        flags = (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
        )
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        shot = (f"--screenshot={Path(file).resolve()}", f"--window-size={SIZE}", "--virtual-time-budget=20000")
        subprocess.run(["chromium", *flags, *shot, page.as_uri()], check=True, stderr=subprocess.DEVNULL)
    print(f"{file}: {Path(file).stat().st_size / 1000:.0f} kB")


def make_report(page: Path) -> None:
    """Run, keep the record, make the report."""
    target = [sys.executable, "-m", "locust_cw_dist.tools.demo.target", "--until-stdin-closes"]
    with subprocess.Popen(target, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shop:
        assert shop.stdin is not None
        assert shop.stdout is not None
        host = shop.stdout.readline().removeprefix(READY_PREFIX).strip()
        options = [word for rule in RULES for word in ("--cw-rule", rule)]
        options += ["--cw-resolution", "1", "--cw-label", "branch=main", "--cw-record", str(page.parent / "records")]
        subprocess.run([*CLI, "run", *LOAD, "-H", host, *options, "--exit-code-on-error", "0"], check=True)
        shop.stdin.close()
    subprocess.run([*CLI, "report", str(page.parent / "records"), "-o", str(page)], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
