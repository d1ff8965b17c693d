"""An epoch of ATFT-GAT-FAN over 8.9 million stock-days of 112 features, and its step against one fed windows.

The panel is that of ``writer``; settings are the defaults. The table of jp_tse in docs/results.md has the same model
and loop (lookback 60, hidden 64, one graph layer with edge features), other labels, and one thread. The epoch holds
everything: reading blocks, forward, backward, loss, clipping, optimizer, averaged weights. The windowed version is the
same model with the same kernels, given one window of 60 sessions for each stock-day instead of a block.

python benchmarks/epoch.py train PANEL FILE THREADS MINUTES
python benchmarks/epoch.py windows PANEL FILE THREADS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from bench import (
    HERE,
    MIB,
    Kept,
    Memory,
    child,
    interleaved,
    machine,
    median,
    options,
    publish,
    ratio,
    say,
    table,
    verdict,
)
from writer import make

GOAL_MINUTES, AIM_MINUTES, GOAL_GIB, GOAL_ENCODER, GOAL_STEP, GOAL_LOADER = 6.0, 4.0, 10.0, 15.0, 10.0, 0.05

SECTIONS = ("atft", "graph", "frequency", "deep", "loss", "optimizer", "scheduler")


def encode_panel(panel: Any, file: Path) -> np.ndarray:
    """Return the encoded panel as a mapped file; it is made if it is not there."""
    from gogooku3.models.frequency_settings import FrequencySettings
    from gogooku3.scoring.encode import Encoding, encode

    encoding = Encoding(features=panel.feature_names, frequency=FrequencySettings())
    if not file.exists():
        shape = (len(panel.sessions), len(panel.codes), len(encoding.names))
        partial = file.with_suffix(".partial")
        grid = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=shape)
        encode(panel, encoding, 0, shape[0], out=grid)
        grid.flush()
        partial.rename(file)
    return np.load(file, mmap_mode="r")


def material(folder: str, file: str, threads: str) -> tuple[Any, Any]:
    """Return the trainer and the function that makes its model, as `gogooku3 train` has them."""
    from gogooku3.config.process import prepare_process, prepare_torch

    prepare_process()
    prepare_torch(int(threads))
    from gogooku3.config.settings import Settings
    from gogooku3.graphs.build import build_graphs
    from gogooku3.graphs.graphs import EDGE_FEATURES
    from gogooku3.panel.open import open_panel
    from gogooku3.scoring.build_model import build_model
    from gogooku3.scoring.day_source import DaySource
    from gogooku3.training.course import Recipe
    from gogooku3.training.deep_trainer import DeepTrainer
    from gogooku3.training.training_data import TrainingData

    settings = Settings()
    panel = open_panel(Path(folder))
    x = encode_panel(panel, Path(file))
    began = time.perf_counter()
    graphs = build_graphs(panel, settings.graph)
    say(f"{len(graphs.sessions)} graphs in {time.perf_counter() - began:.0f} s")
    source = DaySource(first=0, x=x, present=panel.present, universe=panel.present, graphs=graphs)
    labels = np.stack([panel.target(target) for target in panel.targets], axis=-1)
    data = TrainingData(
        source=source,
        labels=labels,
        days=panel.sessions,
        targets=panel.targets,
        watch=np.ones(len(panel.targets), dtype=bool),
    )
    recipe = Recipe(
        deep=settings.deep, loss=settings.loss, optimizer=settings.optimizer, scheduler=settings.scheduler
    )
    described = {
        "kind": "atft_gat_fan",
        "settings": settings.atft.model_dump(mode="json"),
        "columns": list(range(x.shape[2])),
        "targets": list(map(str, panel.targets)),
        "edges": EDGE_FEATURES,
        "quantiles": [],
    }
    return DeepTrainer(data, recipe), lambda: build_model(described)


class Clock:
    """Counts steps and rows, and how long an epoch took."""

    def __init__(self) -> None:
        self.rows, self.steps, self.epochs = 0, 0, []
        self.began = 0.0

    def begin(self, *_: object) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def step(self, _loss: float, rows: int, _rate: float) -> None:
        """Count a step."""
        self.rows += rows
        self.steps += 1
        if self.steps % 100 == 0:
            say(
                f"{self.steps} steps, {self.rows / (time.perf_counter() - self.began):,.0f} stock-days a second"
            )

    def epoch(self, *_: object) -> None:
        """Stop the clock."""
        self.epochs.append(time.perf_counter() - self.began)


def time_the_feed() -> list[float]:
    """Let trainings count the seconds that they wait for blocks; return where they are counted."""
    import gogooku3.training.course_run as loop

    reading, opened = [0.0], loop.open_feed

    @contextmanager
    def timed(*arguments: Any, **named: Any) -> Iterator[Any]:
        with opened(*arguments, **named) as feed:
            over = feed.over

            def counted(items: Any) -> Iterator[Any]:
                blocks = over(items)
                while True:
                    began = time.perf_counter()
                    block = next(blocks, None)
                    reading[0] += time.perf_counter() - began
                    if block is None:
                        return
                    yield block

            feed.over = counted
            yield feed

    loop.open_feed = timed  # type: ignore[assignment]
    return reading


def train_one_epoch(folder: str, file: str, threads: str) -> dict[str, Any]:
    """Train for an epoch as `gogooku3 train` does; return seconds, rows, memory and the share of reading blocks."""
    import tempfile

    import torch

    from gogooku3.training.course import Course

    trainer, make_model = material(folder, file, threads)
    clock = Clock()
    trainer.listener = clock
    reading = time_the_feed()
    labelled = np.flatnonzero(~np.isnan(trainer.data.labels).all(axis=(1, 2)))
    course = Course(
        name="epoch",
        key="benchmark",
        seed=0,
        sessions=labelled,
        watched=labelled[:0],
        epochs=trainer.recipe.deep.epochs,
        stop_after=1,
    )
    from gogooku3.config.settings import Settings

    settings = Settings()
    parameters = sum(p.numel() for p in make_model().parameters())
    with Memory() as memory, tempfile.TemporaryDirectory() as checkpoints:
        trainer.train(make_model, course, Path(checkpoints))
    return {
        "seconds": clock.epochs[0],
        "rows": int(trainer.data.source.universe[labelled].sum()),
        "steps": clock.steps,
        "reading": reading[0],
        "parameters": parameters,
        "anonymous": memory.anonymous,
        "resident": memory.resident,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        "columns": int(trainer.data.source.x.shape[2]),
        "settings": {name: getattr(settings, name).model_dump(mode="json") for name in SECTIONS},
    }


def against_windows(folder: str, file: str, threads: str) -> dict[str, Any]:
    """Time a block against windows, forward and backward, seconds per scored stock-day, in turn."""
    import torch

    trainer, make_model = material(folder, file, threads)
    torch.manual_seed(0)
    model = make_model().train()
    deep, source = trainer.recipe.deep, trainer.data.source
    start = len(trainer.data.days) // 2
    stocks = source.stocks(start, start + deep.sessions)[:: deep.parts]
    block = source.block(start, start + deep.sessions, model.lookback, stocks)
    window = source.block(start, start + 1, model.lookback, stocks)
    labels = torch.from_numpy(np.nan_to_num(trainer.data.labels[start : start + deep.sessions, stocks]))
    from gogooku3.training.losses.rank_preserving import RankPreservingLoss
    from gogooku3.training.optimizers import make_optimizer

    loss = RankPreservingLoss.from_settings(trainer.recipe.loss)
    optimizer = make_optimizer(trainer.recipe.optimizer, model.parameters())

    def encoder(part: Any) -> Any:
        def work(_: int) -> None:
            model.zero_grad(set_to_none=True)
            model.encode(part).square().mean().backward()

        return work

    def whole(part: Any) -> Any:
        def work(_: int) -> None:
            optimizer.zero_grad(set_to_none=True)
            loss(model(part), labels[: len(part.scored)], part.scored).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), deep.clip)
            optimizer.step()

        return work

    found = {}
    for name, make_work in (("encoder", encoder), ("step", whole)):
        seconds = interleaved({"block": make_work(block), "windows": make_work(window)}, 7)
        per_row = {
            "block": [s / (deep.sessions * len(stocks)) for s in seconds["block"]],
            "windows": [s / len(stocks) for s in seconds["windows"]],
        }
        found[name] = {
            "ratio": ratio(per_row["windows"], per_row["block"]),
            **{kind: median(values) for kind, values in per_row.items()},
        }
    return found


def main() -> None:
    """Measure and write the page, or do one part in this process."""
    if len(sys.argv) > 1 and sys.argv[1] in {"train", "windows"}:
        verb, *rest = sys.argv[1:]
        print(json.dumps(train_one_epoch(*rest) if verb == "train" else against_windows(*rest)))
        return
    parser = options((__doc__ or "").split("\n\npython")[0])
    parser.add_argument("--threads", type=int, default=2, help="threads of matrix products (default: 2)")
    arguments = parser.parse_args()
    kept = Kept(arguments.scratch, arguments.fresh)
    panel, written = make(arguments.scratch, arguments.quick, kept)
    file = panel.parent / "encoded.npy"

    def ask(verb: str) -> dict[str, Any]:
        say(verb)
        return child("epoch.py", verb, panel, file, arguments.threads)

    question = {"what": "epoch", "panel": str(panel), "threads": arguments.threads}
    epoch = kept.get({**question, "part": "train"}, lambda: ask("train"))
    windows = kept.get({**question, "part": "windows"}, lambda: ask("windows"))
    publish(HERE / "epoch.md", page(written, epoch, windows, arguments.threads), arguments)


def met(value: float, goal: float) -> str:
    """Say whether a value is at most the goal."""
    return verdict(value, goal, at_most=True)


def above(value: float, goal: float) -> str:
    """Say whether a value is at least the goal."""
    return verdict(value, goal, at_most=False)


def page(
    written: dict[str, Any], epoch: dict[str, Any], windows: dict[str, Any], threads: int
) -> Sequence[str]:
    """Return the page."""
    minutes, share = epoch["seconds"] / 60, epoch["reading"] / epoch["seconds"]
    own, resident = (epoch[kind] / MIB / 1024 for kind in ("anonymous", "resident"))
    deep = epoch["settings"]["deep"]
    encoder, step = windows["encoder"]["ratio"], windows["step"]["ratio"]
    settings = "\n".join(f"{name} = {json.dumps(values)}" for name, values in epoch["settings"].items())
    rows = [
        ("epoch, minutes", f"{minutes:.2f}", f"at most {GOAL_MINUTES:.0f}", met(minutes, GOAL_MINUTES)),
        ("the same, aim", f"{minutes:.2f}", f"under {AIM_MINUTES:.0f}", met(minutes, AIM_MINUTES)),
        ("memory, mapped files included, GiB", f"{resident:.1f}", f"under {GOAL_GIB:.0f}", met(resident, GOAL_GIB)),
        ("memory of its own, GiB", f"{own:.1f}", "", ""),
        ("reading blocks, share", f"{share:.1%}", f"under {GOAL_LOADER:.0%}", met(share, GOAL_LOADER)),
        ("encoder, windows over block", f"{encoder:.1f}", f"at least {GOAL_ENCODER:.0f}", above(encoder, GOAL_ENCODER)),
        ("step, windows over block", f"{step:.1f}", f"at least {GOAL_STEP:.0f}", above(step, GOAL_STEP)),
    ]  # fmt: skip
    return (
        "# An epoch of ATFT-GAT-FAN",
        f"`make bench-epoch`: {epoch['rows']:,} labelled stock-days of {written['features']} features "
        f"({epoch['columns']} columns with the normalised channels), {written['stocks']:,} stocks of the simulated "
        f"market; {epoch['parameters']:,} parameters, {epoch['steps']:,} steps, {threads} threads, "
        f"{epoch['rows'] / epoch['seconds']:,.0f} stock-days a second. {machine()}",
        table(("", "measured", "goal", ""), rows),
        "Microseconds per scored stock-day, forward and backward, medians of interleaved repeats: encoder "
        f"{1e6 * windows['encoder']['block']:.1f} in a block, {1e6 * windows['encoder']['windows']:.1f} in windows; "
        f"whole step {1e6 * windows['step']['block']:.1f} and {1e6 * windows['step']['windows']:.1f}. "
        "glibc's allocator is told to keep large blocks (`config/process.py`: M_MMAP_THRESHOLD and M_TRIM_THRESHOLD "
        "raised by mallopt before torch is loaded); "
        f"{'compiled' if deep['compile'] else 'nothing is compiled'}; arithmetic is {deep['precision']}.",
        f"Settings (the defaults):\n\n```\n{settings}\n```",
        f"Measured on {epoch['device']}." if epoch["device"] else "There was no GPU to measure on.",
    )


if __name__ == "__main__":
    main()
