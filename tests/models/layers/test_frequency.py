from __future__ import annotations

import numpy as np
import pytest
import torch

from gogooku3.models.layers.frequency import frequency_split


def by_definition(window: np.ndarray, components: int) -> float:
    """Write the discrete Fourier transform as sums; keep the largest frequencies; transform back at the end."""
    size = len(window)
    n = np.arange(size)
    kept = 0.0
    amplitude = []
    for k in range(size // 2 + 1):
        coefficient = (window * np.exp(-2j * np.pi * k * n / size)).sum()
        amplitude.append((abs(coefficient), k, coefficient))
    for _, k, coefficient in sorted(amplitude, key=lambda a: (-a[0], a[1]))[:components]:
        mirrored = 1 if k == 0 or 2 * k == size else 2
        kept += mirrored * (coefficient * np.exp(2j * np.pi * k * (size - 1) / size)).real / size
    return kept


@pytest.mark.parametrize("size", [20, 21, 4, 1])
@pytest.mark.parametrize("components", [1, 3])
def test_the_main_component_is_that_of_a_dft(size: int, components: int) -> None:
    windows = np.random.default_rng(size).normal(size=(3, 5, size))
    main, residual = frequency_split(torch.from_numpy(windows), components)
    for i in range(3):
        for j in range(5):
            assert main[i, j].item() == pytest.approx(by_definition(windows[i, j], components), abs=1e-12)
    np.testing.assert_allclose((main + residual).numpy(), windows[..., -1], atol=1e-14)


def test_all_frequencies_together_are_the_value_itself() -> None:
    window = torch.randn(7, 20, dtype=torch.float64)
    main, residual = frequency_split(window, 11)
    assert torch.allclose(main, window[:, -1])
    assert residual.abs().max() < 1e-12


def test_a_cycle_is_main_and_a_shock_is_residual() -> None:
    cycle = torch.sin(2 * torch.pi * 3 * torch.arange(20, dtype=torch.float64) / 20)
    shocked = cycle.clone()
    shocked[-1] += 0.5
    quiet, loud = frequency_split(cycle, 1), frequency_split(shocked, 1)
    assert quiet[1].abs() < 1e-12
    assert loud[1] > 0.4


def test_a_window_with_a_gap_has_no_components() -> None:
    window = torch.randn(2, 20)
    window[0, 3] = torch.nan
    main, residual = frequency_split(window, 3)
    assert main.isnan().tolist() == residual.isnan().tolist() == [True, False]


def test_no_windows_have_no_components() -> None:
    main, residual = frequency_split(torch.empty(0, 4, 20), 3)
    assert main.shape == residual.shape == (0, 4)
