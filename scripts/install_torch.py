"""Install PyTorch into this interpreter's environment, without several GB of CUDA where there is no GPU.

On Linux the default wheel of PyTorch depends on the CUDA libraries. This script first asks pip what it would
install; if that includes CUDA and the machine has no NVIDIA driver, it installs the CPU build through uv,
which knows where PyTorch publishes it. Standard library only: it runs in a fresh virtual environment.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

DEFAULT_REQUIREMENT = "torch==2.13.0"


def has_gpu() -> bool:
    """True when an NVIDIA driver is present."""
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, text=True, capture_output=True, check=False)


def planned_names(requirement: str) -> list[str] | None:
    """What pip would install for `requirement`, by name; None when it cannot tell."""
    plan = pip("install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-", requirement)
    if plan.returncode != 0:
        return None
    return [item["metadata"]["name"].lower() for item in json.loads(plan.stdout)["install"]]


def brings_cuda(names: list[str]) -> bool:
    return any(name.startswith(("nvidia-", "cuda-")) or name == "triton" for name in names)


def install_with_pip(requirement: str) -> int:
    result = pip("install", "--quiet", requirement)
    sys.stderr.write(result.stderr)
    return result.returncode


def install_cpu_with_uv(requirement: str) -> int:
    if pip("install", "--quiet", "uv").returncode != 0:
        return 1
    command = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable]
    return subprocess.run([*command, "--torch-backend", "cpu", requirement], check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description="Install PyTorch, its CPU build where there is no GPU.")
    parser.add_argument("requirement", nargs="?", default=DEFAULT_REQUIREMENT)
    requirement = parser.parse_args().requirement
    if importlib.util.find_spec("torch") is not None:
        return 0
    names = planned_names(requirement)
    if names is not None and (has_gpu() or not brings_cuda(names)):
        return install_with_pip(requirement)
    code = install_cpu_with_uv(requirement)
    if code != 0:
        sys.stderr.write(
            "could not install the CPU build of PyTorch; install it by hand into this environment "
            "(see 'Start Locally' on the PyTorch site), then run make again\n"
        )
    return code


if __name__ == "__main__":
    sys.exit(main())
