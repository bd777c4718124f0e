"""Checkpoints: a run after some step, in one file, written atomically and read strictly.

The file is safetensors, so no pickle: float32 tensors, and in its header the rest as JSON and the
sha256 of the whole file, in which zeros stand for that sum. Format 1, of earlier versions, had
none. It is refused: damage to it cannot be seen, and a file that lost its checksum would pass for
format 1.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Annotated, cast

import torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from training.error import TrainingError
from training.settings import Precision
from vae.config import MAX_PARAMETERS
from vae.hub import files

FORMAT = "2"
# weights, their averages and two moments of float32, and the layers that no limit counts
MAX_BYTES = 3 * 16 * MAX_PARAMETERS
MAX_HEADER = 2**24
# the checksum's field in the header, and its placeholder while the checksum is computed
_SHA256, _ZEROS = ('"sha256":"', "0" * 64)
_MAX_FLOAT32_COUNT = 2**24  # the optimiser counts its steps in float32, which stops growing here
_START_ANEW = "start anew with another --run-dir"


@dataclass(frozen=True)
class StepReport:
    """Distortion and rate of one step in nats, averaged over its examples and so over all betas.

    Neither is finite where the step was skipped.
    """

    distortion: float
    rate: float
    loss: float
    skipped: bool


class State(BaseModel):
    """The counters and settings in a checkpoint, beside its tensors.

    step, skipped, skipped_in_a_row, seconds: the counters of a Trainer. settings: as JSON holds
    them. data_sha256: of the data files, by name. reports: of the steps since the last line of the
    log, and of those in that line.
    """

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, ser_json_inf_nan="constants"
    )

    step: Annotated[int, Field(ge=0)]
    skipped: Annotated[int, Field(ge=0)]
    skipped_in_a_row: Annotated[int, Field(ge=0)]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    settings: dict[str, JsonValue]
    data_sha256: dict[str, str]
    reports: tuple[StepReport, ...]


@dataclass(frozen=True)
class Layout:
    """What a checkpoint of a run can hold.

    settings, data_sha256: as in State. total_steps: of the run. log_every: steps in a line of the
    log. patience: so many steps in a row are never skipped. shapes: of the parameters, by name.
    """

    settings: dict[str, JsonValue]
    data_sha256: dict[str, str]
    total_steps: int
    log_every: int
    patience: int
    shapes: Mapping[str, tuple[int, ...]]

    def tensors(self, updates: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of all tensors after so many steps that were not skipped.

        The optimiser has none before the first one.
        """
        expected = {
            f"{part}.{name}": shape
            for part in ("model", "average")
            for name, shape in self.shapes.items()
        }
        if updates:
            for name, shape in self.shapes.items():
                expected |= {
                    f"optimizer.step.{name}": (),
                    f"optimizer.exp_avg.{name}": shape,
                    f"optimizer.exp_avg_sq.{name}": shape,
                }
        return expected


@dataclass(frozen=True)
class Checkpoint:
    """A verified file: its state, and its float32 tensors on the CPU by name."""

    path: Path
    state: State
    tensors: dict[str, Tensor]

    @property
    def precision(self) -> Precision:
        """The precision that the run began with. Raises TrainingError."""
        precision = self.state.settings.get("precision")
        if precision not in ("bfloat16", "float32"):
            raise TrainingError(
                f"{self.path} was made by another version of this program; {_START_ANEW}"
            )
        return cast(Precision, precision)

    def require(self, layout: Layout) -> None:
        """Raise TrainingError unless this is a checkpoint of that run.

        Its counters, shapes and numbers must be ones that the run can have.
        """
        state = self.state
        if state.settings != layout.settings:
            raise TrainingError(
                f"{self.path} was made with other settings "
                f"({differences(state.settings, layout.settings)}); resume with the same ones, or "
                "choose another --run-dir"
            )
        if state.data_sha256 != layout.data_sha256:
            raise TrainingError(
                f"{self.path} was made with other data files; resume with the same --data-dir and "
                "--dataset"
            )
        self._require_counters(layout)
        expected = layout.tensors(state.step - state.skipped)
        if set(self.tensors) != set(expected):
            missing, unknown = (
                sorted(set(expected) - set(self.tensors)),
                sorted(set(self.tensors) - set(expected)),
            )
            self._refuse(f"missing tensors {_short_list(missing)}, unknown {_short_list(unknown)}")
        for name, tensor in self.tensors.items():
            if tuple(tensor.shape) != expected[name]:
                self._refuse(f"{name} has shape {tuple(tensor.shape)} instead of {expected[name]}")
            if not torch.isfinite(tensor).all():
                self._refuse(f"{name} has values that are not finite")
            if name.startswith("optimizer.exp_avg_sq.") and (tensor < 0).any():
                self._refuse(f"{name} has negative values, and is a mean of squares")
            if name.startswith("optimizer.step.") and tensor != min(
                state.step - state.skipped, _MAX_FLOAT32_COUNT
            ):
                self._refuse(
                    f"{name} counts {tensor:.0f} steps, the run {state.step - state.skipped} that "
                    "were not skipped"
                )

    def _require_counters(self, layout: Layout) -> None:
        state = self.state
        if state.step > layout.total_steps:
            self._refuse(f"step {state.step} of a run of {layout.total_steps}")
        expected = (state.step - 1) % layout.log_every + 1 if state.step else 0
        if len(state.reports) != expected:
            self._refuse(f"reports of {len(state.reports)} steps instead of {expected}")
        reported = [report.skipped for report in state.reports]
        # the skipped steps at the end; where all were skipped, there were more before
        last = len(list(takewhile(bool, reversed(reported))))
        before = state.skipped - sum(reported)
        if not (
            0 <= before <= state.step - expected
            and state.skipped_in_a_row < layout.patience
            and (
                state.skipped_in_a_row == last
                or last == expected < state.skipped_in_a_row <= state.skipped
            )
        ):
            self._refuse(
                f"{state.skipped} skipped steps, {state.skipped_in_a_row} in a row, of "
                f"{state.step}; {sum(reported)} in the last {expected}"
            )
        if any(
            value - value != 0
            for report in state.reports
            if not report.skipped  # not finite
            for value in (report.distortion, report.rate, report.loss)
        ):
            self._refuse("a report that is not finite of a step that was not skipped")

    def _refuse(self, reason: str) -> None:
        raise TrainingError(
            f"{self.path} cannot be a checkpoint of this run ({_one_line(reason)}); {_START_ANEW}"
        )


def write(path: Path, state: State, tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint atomically: beside `path`, then renamed.

    So a crash leaves the old one or the new one, whole. tensors: float32, on any device. Raises
    TrainingError or OSError.
    """
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    temporary = path.with_suffix(".tmp")
    try:
        save_file(
            content,
            temporary,
            {"format": FORMAT, "state": state.model_dump_json(), "sha256": _ZEROS},
        )
    except SafetensorError as error:
        raise TrainingError(
            f"cannot write {temporary} ({error}); free some space or choose another --run-dir"
        ) from error
    with temporary.open("r+b") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        header = file.read(8 + int.from_bytes(file.read(8), "little"))
        # in a string of JSON quotes are escaped
        file.seek(8 + header.index((_SHA256 + _ZEROS).encode()) + len(_SHA256))
        file.write(sha256.encode())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read(path: Path) -> Checkpoint:
    """A checkpoint whose checksum is right. Raises TrainingError."""
    try:
        content = files.read_bounded(path, MAX_BYTES)
        length = int.from_bytes(content[:8], "little")
        if length > MAX_HEADER:
            raise ValueError(f"a header of {length:,} bytes; at most {MAX_HEADER:,} are read")
        header = dict(json.loads(content[8 : 8 + length]).get("__metadata__") or {})
    except FileNotFoundError as error:
        raise TrainingError(
            f"there is no checkpoint {path} to resume; leave --resume out to start anew"
        ) from error
    except Exception as error:  # libraries raise anything for untrusted bytes
        raise TrainingError(
            f"{path} is no checkpoint of this program ({_one_line(error)}); {_START_ANEW}"
        ) from error
    if set(header) == {"state"}:
        raise TrainingError(
            f"{path} was written by an earlier version of this program, without the checksum that "
            f"would show damage; finish that run with the version that began it, or {_START_ANEW}"
        )
    if set(header) != {"format", "state", "sha256"} or header["format"] != FORMAT:
        raise TrainingError(
            f"{path} is no checkpoint of this version of this program; {_START_ANEW}"
        )
    if not _checksum_matches(content, header["sha256"]):
        raise TrainingError(
            f"{path} is damaged: it is not what its checksum says; resume from a copy that is "
            f"whole, or {_START_ANEW}"
        )
    try:  # the checksum may have been recomputed after a change
        tensors = load(content)
        if foreign := [name for name, tensor in tensors.items() if tensor.dtype != torch.float32]:
            raise ValueError(f"{foreign[0]} is not float32")
        return Checkpoint(path, State.model_validate_json(header["state"]), tensors)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        reason = f"{'.'.join(map(str, first['loc'])) or 'its state'}: {first['msg']}"
    except Exception as error:
        reason = str(error)
    raise TrainingError(
        f"{path} is no checkpoint of this version of this program ({_one_line(reason)}); "
        f"{_START_ANEW}"
    )


def _checksum_matches(content: bytes, sha256: object) -> bool:
    """Whether the checksum in a file's header is right."""
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        return False
    zeroed = content.replace((_SHA256 + sha256).encode(), (_SHA256 + _ZEROS).encode(), 1)
    return hashlib.sha256(zeroed).hexdigest() == sha256


def differences(there: Mapping, here: Mapping) -> str:
    """The settings, as JSON holds them, that differ: "epochs: 3 there, 2 here; …"."""
    there, here = _flat(there), _flat(here)
    return _one_line(
        "; ".join(
            f"{key}: {there.get(key)} there, {here.get(key)} here"
            for key in sorted(there | here)
            if there.get(key) != here.get(key)
        )
    )


def _flat(settings: Mapping, prefix: str = "") -> dict[str, object]:
    """Flatten nested settings: {"network": {"width": 512}} -> {"network.width": 512}."""
    flat: dict[str, object] = {}
    for key, value in settings.items():
        flat |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return flat


def _short_list(names: list[str]) -> str:
    return (
        f"{', '.join(names[:2])}{f' and {len(names) - 2} more' if len(names) > 2 else ''}"
        if names
        else "none"
    )


def _one_line(value: object, max_length: int = 300) -> str:
    """Text of unknown content as one line that a terminal can show."""
    text = "".join(
        letter if letter.isprintable() else " " for letter in str(value) or type(value).__name__
    )
    return text if len(text) <= max_length else f"{text[:max_length]}…"
