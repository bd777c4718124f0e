"""Write the hosts' requirement files from requirements.txt.

    python -m deploy.requirements

Each of them names what its host installs.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = "requirements.txt"
SERVERS = ("fastapi", "starlette", "uvicorn")  # of asgi.py; elsewhere a front end brings its own
CPU_WHEEL = (
    "torch @ https://download.pytorch.org/whl/cpu/torch-{version}%2Bcpu-cp3{minor}-cp3{minor}"
    '-manylinux_2_28_x86_64.whl ; python_version == "3.{minor}"'
)


@dataclass(frozen=True)
class Host:
    """What a host's file has other than requirements.txt.

    heading: its first line, without the sign of a comment. without: names that are left out.
    torch: the lines in the place of PyTorch's; {version} in them is that of requirements.txt.
    """

    heading: str
    without: tuple[str, ...]
    torch: tuple[str, ...]


HOSTS = {
    "deploy/streamlit-cloud/requirements.txt": Host(
        "What app.py needs, with PyTorch's wheels without CUDA: the others would not fit.",
        without=("gradio", *SERVERS),
        torch=tuple(CPU_WHEEL.replace("{minor}", minor) for minor in ("11", "12", "13")),
    ),
    "deploy/zerogpu/requirements.txt": Host(
        "What gradio_app.py needs on ZeroGPU, where PyTorch is at most 2.11; Gradio is the"
        " sdk_version of README.md.",
        without=(
            "gradio",
            "markdown-it-py",
            "segno",
            "streamlit",
            "streamlit-drawable-canvas",
            "uvloop",
            *SERVERS,
        ),
        torch=("torch==2.11.0",),
    ),
}


def written(host: Host, source: str) -> str:
    """The content of a host's file. source: that of requirements.txt.

    Raises ValueError where `without` names what requirements.txt has not.
    """
    lines = [line for line in source.splitlines() if line and not line.startswith("#")]
    pins = {line.partition("==")[0]: line for line in lines}
    if unknown := {"torch", *host.without} - set(pins):
        raise ValueError(f"{SOURCE} does not have {', '.join(sorted(unknown))}")
    version = pins["torch"].removeprefix("torch==")
    body = []
    for name, line in pins.items():
        if name == "torch":
            body += [torch.format(version=version) for torch in host.torch]
        elif name not in host.without:
            body.append(line)
    heading = [f"# {host.heading}", "# Written by python -m deploy.requirements; do not edit."]
    return "\n".join([*heading, *body]) + "\n"


def main() -> None:
    """Write every host's file."""
    source = (ROOT / SOURCE).read_text(encoding="utf-8")
    for path, host in HOSTS.items():
        (ROOT / path).write_text(written(host, source), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
