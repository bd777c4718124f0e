"""Ctrl-C at any moment of a command: one line and exit code 130."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import write_idx
from tests.processes import HANGING, completed, started
from tests.training.checkpoints import OPTIONS
from training import card, data, evaluate, publish, regret, train

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "train": [],
    "evaluate": ["weights/mnist"],
    "regret": ["weights/mnist"],
    "publish": ["weights/mnist", "--repo-id", "user/vae-mnist"],
}
SLOW = """\
import pathlib, time
pathlib.Path({here!r}).touch()
while True:
    time.sleep(0.01)
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
@pytest.mark.parametrize("command", COMMANDS)
def test_while_libraries_are_imported_there_is_one_line_at_most(command, number, code, tmp_path):
    """In the place of the first large library lies one whose import never ends."""
    here = tmp_path / "importing"
    for name in ("numpy", "torch", "tyro"):
        (tmp_path / f"{name}.py").write_text(SLOW.format(here=str(here)))
    with started(
        [sys.executable, "-m", f"training.{command}", *COMMANDS[command]],
        cwd=ROOT,
        text=True,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    ) as process:
        while not here.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        _, message = process.communicate(timeout=HANGING)
    assert process.returncode == code
    assert message.strip() == ("stopped; the same command begins again" if code == 130 else "")


def test_while_data_are_read_it_says_how_to_go_on_and_leaves_no_folder(tmp_path):
    images = write_idx(tmp_path / "data" / "bars", train=100) / "train-images-idx3-ubyte.gz"
    images.unlink()
    os.mkfifo(images)
    command = [
        sys.executable,
        "-m",
        "training.train",
        *OPTIONS,
        "--data-dir",
        tmp_path / "data",
        "--run-dir",
        tmp_path / "run",
    ]
    with (
        started(command, cwd=ROOT, text=True, stderr=subprocess.PIPE) as process,
        images.open("wb"),  # a FIFO, which waits for the reader
    ):
        assert (tmp_path / "run" / "lock").exists()
        process.send_signal(signal.SIGINT)
        _, message = process.communicate(timeout=HANGING)
    assert process.returncode == 130, message
    assert message.strip().startswith(
        "stopped; go on with: python -m training.train --preset mnist"
    )
    assert message.strip().count("\n") == 0
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exec('raise KeyboardInterrupt')", "stopped; the same command begins again"),
        (
            "\n"
            "    try:\n"
            "        exec('raise KeyboardInterrupt')\n"
            "    except KeyboardInterrupt:\n"
            "        return 130",
            "",
        ),
    ],
)
def test_the_exit_code_is_130_also_where_a_function_was_being_made_from_text(text, said, tmp_path):
    """Data classes and others make functions from text.

    Python itself would end by the signal, so that $? is 130 and what a program sees is -2.
    """
    (tmp_path / "command.py").write_text(
        "from training import interruption\n\ninterruption.exit_on_interrupt()\n\n"
        f"def main(_):\n    {text}\n\ninterruption.run_command(main)\n"
    )
    done = completed(
        [sys.executable, "-m", "command"], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    assert (done.returncode, done.stderr.strip()) == (130, said)


@pytest.mark.parametrize(
    ("command", "where", "what"),
    [
        (train, data, "load"),
        (evaluate, data, "load"),
        (regret, card, "read_record"),
        (publish, card, "read_record"),
    ],
)
def test_in_the_midst_of_a_command_there_is_one_line(
    command, where, what, tmp_path, capsys, monkeypatch
):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, what, interrupted)
    options = (
        [*OPTIONS, "--run-dir", str(tmp_path / "run")]
        if command is train
        else COMMANDS[command.__name__.split(".")[1]]
    )
    assert command.main(options) == 130
    message = capsys.readouterr().err
    assert message.strip().startswith("stopped; ")
    assert message.strip().count("\n") == 0
