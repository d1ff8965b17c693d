"""For each piece of work that is killed: what was there before, what is there after, and how it is finished."""

from __future__ import annotations

import hashlib
import json
import shutil
from abc import ABC, abstractmethod
from pathlib import Path

import polars as pl
import torch

from gogooku3.panel.open import open_panel
from gogooku3.panel.segment_file import write_single
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.simulate import simulate
from gogooku3.training.checkpoint import checkpoint_steps, load_checkpoint, save_checkpoint
from tests.faults.killer import Ended, Killer
from tests.panel.panels import AXES, STOCKS, random_segments, write_panel
from tests.pipeline.tiny import NAME, digests

ABSENT = "absent"


class Case(ABC):
    """A piece of work over something older.

    Attributes:
        work: Its name in ``tests.faults.works.WORKS``.
        title: What it is, for tables.
    """

    work: str
    title: str

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Make what is there before."""

    @abstractmethod
    def state(self, folder: Path) -> str:
        """Read all that is there and return a digest of it; raises if it is not whole."""

    @abstractmethod
    def finish(self, folder: Path, killer: Killer) -> None:
        """Do the work, or another write, undisturbed, and assert that nothing is left over."""

    def ends(self, scratch: Path, killer: Killer) -> tuple[dict[str, str], float]:
        """Do it undisturbed; return the states before and after, by digest, and the seconds it takes."""
        folder = scratch / "undisturbed"
        shutil.rmtree(folder, ignore_errors=True)
        self.prepare(folder)
        old = self.state(folder)
        seconds = killer(self.work, folder).seconds
        new = self.state(folder)
        assert old != new
        self.learn(folder)
        return {old: "old", new: "new"}, seconds

    def learn(self, folder: Path) -> None:  # noqa: B027 - most need not
        """Look at what undisturbed work has made."""


class PanelCase(Case):
    """A panel's folder."""

    def __init__(self, work: str, title: str, *, first: bool = False) -> None:
        """Say which work, and whether the folder is empty before."""
        self.work, self.title, self._first = work, title, first

    def prepare(self, folder: Path) -> None:
        """Write the older panel."""
        folder.mkdir()
        if not self._first:
            write_panel(folder, random_segments())

    def state(self, folder: Path) -> str:
        """Open and verify the panel."""
        if self._first and not (folder / "manifest.json").exists():
            return ABSENT
        panel = open_panel(folder)
        panel.verify()
        return panel.content_hash

    def finish(self, folder: Path, killer: Killer) -> None:  # noqa: ARG002 - one form for all
        """Write a third panel at once, and find its files alone."""
        write_panel(folder, random_segments(seed=2))
        open_panel(folder).verify()
        named = {file["name"] for file in json.loads((folder / "manifest.json").read_text())["files"]}
        assert set(digests(folder)) == named | {"manifest.json", ".lock"}


class FileCase(Case):
    """A panel of one file."""

    work, title = "write_file", "a panel of one file written over another"

    def prepare(self, folder: Path) -> None:
        """Write the older file."""
        folder.mkdir()
        self._write(folder, 0)

    def state(self, folder: Path) -> str:
        """Open and verify it."""
        panel = open_panel(folder / "panel.arrow")
        panel.verify()
        return panel.content_hash

    def finish(self, folder: Path, killer: Killer) -> None:  # noqa: ARG002 - one form for all
        """Write a third."""
        self._write(folder, 2)
        self.state(folder)
        assert set(digests(folder)) == {"panel.arrow"}

    def _write(self, folder: Path, seed: int) -> None:
        write_single(folder / "panel.arrow", random_segments(seed)[0], AXES, stocks=STOCKS, lineage={})


class ValueCase(Case):
    """A JSON file."""

    work, title = "write_value", "a JSON file written over another"

    def prepare(self, folder: Path) -> None:
        """Write the older one."""
        folder.mkdir()
        (folder / "value.json").write_text('{"old": 1}')

    def state(self, folder: Path) -> str:
        """Parse it."""
        text = (folder / "value.json").read_text()
        json.loads(text)
        return hashlib.sha256(text.encode()).hexdigest()

    def finish(self, folder: Path, killer: Killer) -> None:
        """Write it again."""
        killer(self.work, folder)
        assert set(digests(folder)) == {"value.json"}


class CheckpointCase(Case):
    """A folder of checkpoints that keeps the last one."""

    work, title = "write_checkpoint", "a training's checkpoint written over another"

    def prepare(self, folder: Path) -> None:
        """Save the older one."""
        self._save(folder, 1)

    def state(self, folder: Path) -> str:
        """Load the last one, which checks every byte."""
        (step,) = checkpoint_steps(folder)
        state = load_checkpoint(folder)
        assert state["step"] == step
        return hashlib.sha256(state["weight"].numpy().tobytes()).hexdigest()

    def finish(self, folder: Path, killer: Killer) -> None:  # noqa: ARG002 - one form for all
        """Save a third at once, and find its files alone."""
        self._save(folder, 3)
        self.state(folder)
        named = {file["name"] for file in json.loads((folder / "manifest.json").read_text())["files"]}
        assert set(digests(folder)) == named | {"manifest.json", ".lock"}

    def _save(self, folder: Path, step: int) -> None:
        weight = torch.full((200, 300), -float(step))
        save_checkpoint(folder, {"weight": weight, "step": step}, step=step, keep=1)


class BuildCase(Case):
    """The build of a run that has a panel of other settings."""

    work, title = "build_run", "`gogooku3 build` over a panel of other settings, then built again"

    def __init__(self, made: Path) -> None:
        """Take the finished tiny run."""
        self._made = made
        self._expected: dict[str, str] = {}

    def prepare(self, folder: Path) -> None:
        """Copy it."""
        shutil.copytree(self._made, folder)

    def state(self, folder: Path) -> str:
        """Open and verify the run's panel."""
        panel = open_panel(folder / NAME / "panel")
        panel.verify()
        return panel.content_hash

    def learn(self, folder: Path) -> None:
        """Keep what an undisturbed build wrote."""
        self._expected = self._files(folder)

    def finish(self, folder: Path, killer: Killer) -> None:
        """Build again, and compare every byte with an undisturbed build's."""
        killer(self.work, folder)
        assert self._files(folder) == self._expected

    def _files(self, folder: Path) -> dict[str, str]:
        """All files but records, which hold seconds, and settings, which name the folder."""
        return {
            name: digest
            for name, digest in digests(folder / NAME).items()
            if not name.startswith(("stages/", "settings.json")) or name.endswith(".partial")
        }


class TrainCase(Case):
    """The training of a run that has a panel."""

    work, title = "train_run", "`gogooku3 train`, then run again: the same bytes as undisturbed"
    made_of = ("models", "predictions", "predictions.parquet")

    def __init__(self, made: Path) -> None:
        """Take the finished tiny run."""
        self._made = made

    def prepare(self, folder: Path) -> None:
        """Copy it without what training made."""
        shutil.copytree(self._made, folder)
        run = folder / NAME
        for path in [*run.glob("stages/train-*"), run / "stages/predictions.json"]:
            path.unlink()
        for name in ("models", "predictions"):
            shutil.rmtree(run / name)
        (run / "predictions.parquet").unlink()

    def state(self, folder: Path) -> str:
        """Tell whether the predictions are there, which are the finished run's if so."""
        path = folder / NAME / "predictions.parquet"
        if not path.exists():
            return ABSENT
        assert path.read_bytes() == (self._made / NAME / "predictions.parquet").read_bytes()
        return "finished"

    def finish(self, folder: Path, killer: Killer) -> None:
        """Train again, and compare every byte that training makes with the finished run's."""
        killer(self.work, folder)
        assert self.state(folder) == "finished"
        after, wanted = (self._files(root / NAME) for root in (folder, self._made))
        assert after == wanted

    def _files(self, run: Path) -> dict[str, str]:
        return {
            name: digest
            for name, digest in digests(run).items()
            if name.startswith(self.made_of) or name.endswith(".partial")
        }


class AppendCase(Case):
    """An append of three sessions and a correction to a run of files."""

    work, title = "append_run", "`gogooku3 append` of three sessions and a correction, then appended again"
    _RUN = "r"

    def __init__(self, base: Path) -> None:
        """Build the run that all tries copy, in a folder of its own."""
        from gogooku3.pipeline.build import build
        from gogooku3.pipeline.run_folder import open_run

        base.mkdir()
        settings = SimulationSettings(stocks=25, sessions=500, seed=3)
        frame = simulate(settings, [(1, 1)]).bars.frame.drop("source_row", "source_file", strict=False)
        days = frame.get_column("date").unique().sort()
        late = pl.col("date") > days[-4]
        wrong = (pl.col("date") == days[-60]) & (pl.col("code") == frame.get_column("code")[0])
        frame.filter(~late).write_parquet(base / "bars.parquet")
        mended = frame.filter(wrong).with_columns(pl.col("volume") * 2)
        pl.concat([mended, frame.filter(late)]).write_parquet(base / "new.parquet")
        flags = {
            "run.name": self._RUN,
            "source.bars": str(base / "bars.parquet"),
            "universe.min_history": 40,
            "labels.horizons": [1, 5],
            "panel.segment_sessions": 60,
        }
        self._folder = base / "runs"
        build(open_run(flags={**flags, "run.folder": str(self._folder)}, remembered=False))
        (self._folder / "flags.json").write_text(json.dumps([flags, str(base / "new.parquet")]))
        self._new = ""

    def prepare(self, folder: Path) -> None:
        """Copy the run."""
        shutil.copytree(self._folder, folder)

    def state(self, folder: Path) -> str:
        """Open and verify its panel."""
        panel = open_panel(folder / self._RUN / "panel")
        panel.verify()
        return panel.content_hash

    def learn(self, folder: Path) -> None:
        """Keep what an undisturbed append gives."""
        self._new = self.state(folder)

    def finish(self, folder: Path, killer: Killer) -> None:
        """Append the same bars again, and find the undisturbed append's panel."""
        killer(self.work, folder)
        assert self.state(folder) == self._new
        assert not [name for name in digests(folder) if name.endswith(".partial")]


SMALL: tuple[Case, ...] = (
    PanelCase("write_panel", "a panel written over another"),
    PanelCase("write_panel", "a panel written into an empty folder", first=True),
    PanelCase("relabel_panel", "a panel's labels replaced, its features kept"),
    FileCase(),
    CheckpointCase(),
    ValueCase(),
)
"""Work of milliseconds, which is killed after every system call."""


class Tries:
    """Kills one piece of work again and again.

    Args:
        case: Which.
        scratch: A folder of its own.
        killer: Who does and kills it.

    Attributes:
        ends: What can be there afterwards, old or new, by digest.
        seconds: How long it takes undisturbed.
    """

    def __init__(self, case: Case, scratch: Path, killer: Killer) -> None:
        self.case, self._scratch, self._killer = case, scratch, killer
        scratch.mkdir()
        self.ends, self.seconds = case.ends(scratch, killer)

    def measure(self) -> float:
        """Do it once undisturbed, now that everything is warm, and return the seconds it takes."""
        self.seconds = self._killer(self.case.work, self._fresh()).seconds
        return self.seconds

    def calls(self, *, all_calls: bool = False) -> tuple[str, ...]:
        """Do it once undisturbed, and return the names of the system calls it makes."""
        return self._killer(self.case.work, self._fresh(), count=True, all_calls=all_calls).calls

    def kill(
        self, *, calls: int | None = None, seconds: float | None = None, all_calls: bool = False
    ) -> tuple[str, Ended]:
        """Kill it, assert that what is there is old or new, finish it; return which, and how it was killed."""
        folder = self._fresh()
        ended = self._killer(self.case.work, folder, calls=calls, seconds=seconds, all_calls=all_calls)
        found = self.ends[self.case.state(folder)]
        self.case.finish(folder, self._killer)
        return found, ended

    def _fresh(self) -> Path:
        folder = self._scratch / "killed"
        shutil.rmtree(folder, ignore_errors=True)
        self.case.prepare(folder)
        return folder
