"""Every check can fail: each is shown what it is there to find."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gogooku3.audit.base import Base
from gogooku3.audit.checks.blind import check_blind
from gogooku3.audit.checks.labels import check_labels
from gogooku3.audit.checks.permutation import check_permutation
from gogooku3.audit.checks.spans import check_spans
from gogooku3.audit.checks.warm_up import check_warm_up
from gogooku3.audit.part import Part
from gogooku3.features.registry import FeatureSet
from gogooku3.pipeline import segments
from gogooku3.training import fit
from gogooku3.training.deep_trainer import DeepTrainer
from tests.audit.conftest import fresh_base
from tests.audit.leaks import everywhere, fitted, sessions_of


def test_the_clean_pipeline_passes_every_check(base: Base) -> None:
    labels = check_labels(base)
    assert labels.verdict == "pass"
    assert min(labels.facts["labels"].values()) > 10_000
    spans = check_spans(base)
    assert spans.verdict == "pass"
    fold = base.folds[0]
    pairs = (
        fold.train.size * fold.validation.size + (fold.train.size + 2 * fold.validation.size) * fold.test.size
    )
    assert spans.facts["pairs_of_spans"] <= 16 * pairs
    assert check_blind(base, fold).verdict == "pass"


def test_permuted_labels_teach_nothing(base: Base) -> None:
    part = check_permutation(base, base.folds[0])
    assert part.verdict == "pass"
    assert part.facts["tests"] == 16
    for row in part.facts["rank_ic"].values():
        assert abs(row["permuted"]) < row["permuted_bound"] < 0.12
        assert abs(row["true"]) < 1e-3


def test_permutation_finds_training_on_tested_days(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    def members(self, model, fold, tick):
        rows, _ = self.data.sessions(np.concatenate([fold.train, fold.test]))
        return fitted(self, model, rows, self.data.sessions(fold.validation)[0], tick)

    monkeypatch.setattr(fit.FoldFitter, "_members", members)
    part = check_permutation(base, base.folds[0])
    assert any("permuted labels" in violation.name for violation in part.violations)


def test_permutation_finds_scores_that_are_helped_by_the_label(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The true label comes in beside the rows: no permutation of the rows' labels hides it."""
    real = fit.FoldFitter.fit
    true = segments_rows(base)

    def helped(self, model, fold, tick=lambda: None):
        scores = real(self, model, fold, tick)
        label = np.nan_to_num(true[scores.session, scores.stock])
        return replace(scores, scores=scores.scores + 0.02 * label.astype(np.float32))

    monkeypatch.setattr(fit.FoldFitter, "fit", helped)
    part = check_permutation(base, base.folds[0])
    assert any("true labels" in violation.name for violation in part.violations)


def segments_rows(base: Base) -> np.ndarray:
    return np.stack([base.panel.target_rank(target) for target in base.panel.targets], axis=2)


def test_blind_finds_sessions_too_many(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for ridge; LightGBM may well stop at the same tree with one session more, not with three."""

    def members(self, model, fold, tick):
        late = fold.validation[-1] + np.arange(1, 2 if model == "ridge" else 4)  # purged
        rows, _ = self.data.sessions(np.append(fold.validation, late))
        return fitted(self, model, self.data.sessions(fold.train)[0], rows, tick)

    monkeypatch.setattr(fit.FoldFitter, "_members", members)
    tampered = replace_models(base)
    part = check_blind(tampered, base.folds[0])
    assert {"ridge", "lightgbm"} <= {v.name.split("-")[0] for v in part.violations}


def replace_models(base: Base) -> Base:
    """The same base, its models fitted anew by whatever the fitter does now."""
    folder = base.folder.parent / "tampered"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base.folder, folder)
    other = Base(base.audited, base.audit, base.material, folder)
    for path in (folder / "base").rglob("stages/train-*.json"):
        path.unlink()
    assert other.whole is other.run
    return other


def test_spans_that_touch_are_found(base: Base) -> None:
    (fold,) = base.folds

    class Touching(Base):
        @property
        def folds(self):
            bad = replace(fold, train=fold.train)
            object.__setattr__(bad, "train", np.append(fold.train, fold.test[0] - 2))
            return (bad,)

    part = check_spans(Touching(base.audited, base.audit, base.material, base.folder))
    assert any("spans touch test spans" in violation.detail for violation in part.violations)
    assert any("recorded other sessions" in violation.detail for violation in part.violations)


def test_a_blend_that_recorded_a_tested_session_is_found(base: Base, tmp_path: Path) -> None:
    (fold,) = base.folds
    folder = shutil.copytree(base.folder, tmp_path / "audit")
    (stage,) = folder.rglob(f"stages/train-blend-{fold.name}.json")
    other = Base(base.audited, base.audit, base.material, folder)
    for session, found in ((fold.train[0], []), (fold.test[0], [f"fold {fold.name}, blend"])):
        record = json.loads(stage.read_text())
        record["inputs"]["learnt"] = [int(session)]
        stage.write_text(json.dumps(record))
        assert [violation.name for violation in check_spans(other).violations] == found


def test_a_shifted_label_is_found_where_it_begins(tmp_path: Path) -> None:
    real = segments.forward_returns

    def late_entry(market, targets, start=0, stop=None):
        """Right for all but one stock, from a session on: its entry price is of the day before."""
        returns = real(market, targets, start, stop)
        adjusted = market.close * market.factor
        wrong = np.full(len(market.sessions), np.nan)
        wrong[1:-1] = adjusted[2:, 3] / adjusted[:-2, 3] - 1
        rows = np.arange(start, start + len(returns))
        returns[rows >= 300, 3, 0] = wrong[rows[rows >= 300]]
        return returns

    with everywhere(real, late_entry):
        part = check_labels(fresh_base(tmp_path))
    (found,) = [v for v in part.violations if "not the return" in v.detail]
    base = fresh_base(tmp_path)
    assert found.name == "h1_d0"
    assert found.session is not None
    assert str(base.panel.sessions[300]) <= found.session <= str(base.panel.sessions[304])
    assert found.stock == base.panel.codes[3]


def changed_feature(name: str, **changes: object):
    real = segments.feature_set

    def other(*given, **named) -> FeatureSet:
        features = real(*given, **named)
        items = [replace(f, **changes) if f.name == name else f for f in features.by_name.values()]
        return FeatureSet(items, features.base)

    return everywhere(real, other)


def test_warm_up_finds_a_feature_that_counts_from_the_start_of_history(tmp_path: Path) -> None:
    def so_far(r: np.ndarray) -> np.ndarray:
        return np.cumsum(np.nan_to_num(r), axis=0)

    with changed_feature("ret_1", function=so_far, window=1):
        part: Part = check_warm_up(fresh_base(tmp_path), 20)
    assert "ret_1" in {v.name for v in part.violations}
    assert part.facts["values_that_differ"] > 1000


def test_warm_up_is_bounded_by_the_count_of_history(base: Base) -> None:
    part = check_warm_up(base, 20)
    assert part.verdict == "pass"
    assert part.facts["values_that_differ"] == 0
    assert part.facts["values_compared"] > 1_000_000
    settings = base.run.settings.universe
    start = max(settings.min_history, settings.turnover_window)
    assert 0 < part.facts["universe_differs_for_sessions"] <= start
    assert part.facts["universe_differs_on_stock_days"] <= start * len(base.panel.codes)


def test_rows_of_leaks_line_up(base: Base) -> None:
    """The helpers of the planted leaks see the rows that training sees."""
    from gogooku3.progress import Silent
    from gogooku3.training.ranked_rows import ranked_rows

    data = ranked_rows(base.panel, len(base.panel.sessions), Silent())
    grid = np.zeros_like(base.panel.universe)
    grid[sessions_of(data), data.stock] = True
    np.testing.assert_array_equal(grid, base.panel.universe)


DEEP: dict[str, object] = {
    "train.models": ["lightgbm", "atft_gat_fan", "blend"],
    "blend.of": ["lightgbm", "atft_gat_fan"],
    "atft.hidden": 16,
    "atft.lookback": 12,
    "atft.convolutions": 1,
    "frequency.channels": ["ret_1"],
    "frequency.window": 10,
    "graph.window": 60,
    "graph.neighbours": 5,
    "deep.sessions": 30,
    "deep.parts": 1,
    "optimizer.learning_rate": 1e-2,
    "scheduler.type": "constant",
}


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """The small market with a deep model, built and trained."""
    base = fresh_base(tmp_path_factory.mktemp("deep"), changes=DEEP)
    assert base.whole is base.run
    return base


def test_a_deep_model_passes_every_check(deep: Base) -> None:
    blind = check_blind(deep, deep.folds[0])
    assert blind.verdict == "pass"
    assert list(blind.facts["models"]) == ["lightgbm", "atft_gat_fan"]
    permuted = check_permutation(deep, deep.folds[0])
    assert permuted.verdict == "pass"
    assert permuted.facts["tests"] == 4 * (2 + 1)
    assert {"permuted"} == {key.split("_")[0] for key in permuted.facts["rank_ic"]["atft_gat_fan h5_d1"]}


def test_a_deep_model_that_learnt_a_tested_day_is_found(deep: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    real, late = DeepTrainer.train, deep.folds[0].test[:1]

    def leaking(self, make_model, course, folder):
        return real(self, make_model, replace(course, sessions=np.append(course.sessions, late)), folder)

    monkeypatch.setattr(DeepTrainer, "train", leaking)
    found = check_blind(replace_models(deep), deep.folds[0]).violations
    assert [violation.name.split("-")[0] for violation in found] == ["atft_gat_fan"]


def test_a_deep_model_that_learnt_all_tested_days_is_found_by_permuted_labels(
    deep: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tested = DeepTrainer.train, deep.folds[0].test

    def leaking(self, make_model, course, folder):
        longer = replace(course, sessions=tested, watched=tested[:0], epochs=40, stop_after=40)
        return real(self, make_model, longer, folder)

    monkeypatch.setattr(DeepTrainer, "train", leaking)
    found = check_permutation(deep, deep.folds[0]).violations
    assert {violation.name.split()[0] for violation in found} == {"atft_gat_fan"}
