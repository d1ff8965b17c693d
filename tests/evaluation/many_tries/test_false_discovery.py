"""False discovery: the original example, two libraries, and the rate itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.many_tries.false_discovery import false_discovery, two_sided_p

# Benjamini and Hochberg (1995), section 4: thrombolysis, 15 comparisons; four are findings at .05.
PUBLISHED = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
    0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
]  # fmt: skip


def test_the_original_example():
    found = false_discovery(np.array(PUBLISHED))
    assert (found.independent <= 0.05).sum() == 4
    assert found.independent[3] == pytest.approx(15 * 0.0095 / 4)
    assert (found.dependent <= 0.05).sum() == 3  # 15 H(15) .0019 / 3 = .032, the next one .118


@pytest.mark.parametrize("seed", range(5))
def test_as_scipy_whatever_the_order_shape_and_ties(seed):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random((4, 6)) ** 2, 2)
    p[rng.random(p.shape) < 0.2] = np.nan
    found = false_discovery(p)
    tested = np.isfinite(p)
    assert (found.tests, found.untested) == (tested.sum(), (~tested).sum())
    for values, method in ((found.independent, "bh"), (found.dependent, "by")):
        assert np.isnan(values[~tested]).all()
        np.testing.assert_allclose(values[tested], stats.false_discovery_control(p[tested], method=method))


def test_as_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    found = false_discovery(np.array(PUBLISHED))
    for values, method in ((found.independent, "fdr_bh"), (found.dependent, "fdr_by")):
        np.testing.assert_allclose(values, multitest.multipletests(PUBLISHED, method=method)[1])


def test_nothing_to_adjust_and_impossible_values():
    found = false_discovery(np.full((2, 2), np.nan))
    assert (found.tests, found.untested) == (0, 4)
    assert np.isnan(found.independent).all()
    with pytest.raises(EvaluationError, match="impossible"):
        false_discovery(np.array([0.1, 1.2]))


def test_p_value_of_a_t_statistic():
    t, freedom = np.array([[2.0, -2.0], [np.nan, 0.0]]), np.array([[9.0, 9.0], [9.0, np.nan]])
    expected = 2 * stats.t.sf(2.0, 9)
    np.testing.assert_allclose(two_sided_p(t, freedom), [[expected, expected], [np.nan, np.nan]])


def test_the_share_of_false_findings_is_below_the_level():
    rng = np.random.default_rng(0)
    shares = {"raw": [], "bh": [], "by": []}
    for _ in range(400):
        common = rng.normal()  # positively dependent
        z = 0.6 * common + 0.8 * rng.normal(size=40)
        z[:8] += 3.0
        p = 2 * stats.norm.sf(np.abs(z))
        found = false_discovery(p)
        for name, values in (("raw", p), ("bh", found.independent), ("by", found.dependent)):
            findings = values <= 0.1
            shares[name].append(findings[8:].sum() / max(findings.sum(), 1))
    mean = {name: np.mean(values) for name, values in shares.items()}
    assert mean["raw"] > 0.15
    assert mean["bh"] < 0.1
    assert mean["by"] < mean["bh"]
