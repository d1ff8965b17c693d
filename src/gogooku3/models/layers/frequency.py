"""The main component and the residual of a trailing window, by frequency."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def frequency_split(
    window: Float[Tensor, "*S W"], components: int
) -> tuple[Float[Tensor, "*S"], Float[Tensor, "*S"]]:
    """Split the last value of a window into its main component and the residual.

    Ye et al. (2024), Frequency Adaptive Normalization, eq. 1 to 3: the ``components`` frequencies of largest amplitude
    in the window's own Fourier transform make its main component, the rest is the residual. Here the window ends at
    the session itself, and only its last value is kept, so that every stock-day has one pair whatever training block
    it is read in, and nothing of the future enters (ADR 8).

    Args:
        window: Trailing values, the session itself last, [..., W]; a window with a NaN gives NaN twice.
        components: Frequencies kept, of W // 2 + 1 (the mean is one of them). Of equal amplitudes the lower
            frequency is kept.

    Returns:
        (main, residual), each [...]; they sum to the last value.
    """
    cosine, sine = _waves(window.shape[-1], window.dtype, window.device)
    real, imaginary = window @ cosine, -(window @ sine)
    amplitude = real.square() + imaginary.square()
    order = torch.sort(amplitude, dim=-1, descending=True, stable=True).indices[..., :components]
    main = (real * cosine[-1] - imaginary * sine[-1]) * _mirrored(cosine) / window.shape[-1]
    kept = main.gather(-1, order).sum(dim=-1)
    return kept, window[..., -1] - kept


def _waves(
    size: int, dtype: torch.dtype, device: torch.device
) -> tuple[Float[Tensor, "W K"], Float[Tensor, "W K"]]:
    """Return the cosine and sine of every frequency at every place of a window.

    A product with them costs as much as a fast transform at such sizes, and takes a window of any number of rows.
    """
    place = torch.arange(size, dtype=torch.float64, device=device)
    frequency = torch.arange(size // 2 + 1, dtype=torch.float64, device=device)
    angle = 2.0 * torch.pi * torch.outer(place, frequency) / size
    return angle.cos().to(dtype), angle.sin().to(dtype)


def _mirrored(cosine: Float[Tensor, "W K"]) -> Float[Tensor, " K"]:
    """Return how often each frequency stands in the whole transform: the mean and the highest of an even size once."""
    size, count = cosine.shape
    twice = torch.full((count,), 2.0, dtype=cosine.dtype, device=cosine.device)
    twice[0] = 1.0
    if size % 2 == 0:
        twice[-1] = 1.0
    return twice
