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
    spectrum = torch.fft.rfft(window, dim=-1)
    order = torch.sort(spectrum.abs(), dim=-1, descending=True, stable=True).indices[..., :components]
    last = _at_last(window.shape[-1], window.dtype, window.device)
    parts = torch.view_as_real(spectrum) * last
    main = parts.sum(dim=-1).gather(-1, order).sum(dim=-1)
    return main, window[..., -1] - main


def _at_last(size: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, "K 2"]:
    """Weights of the real and imaginary parts of each frequency in the last value of a window."""
    frequency = torch.arange(size // 2 + 1, dtype=torch.float64, device=device)
    angle = 2.0 * torch.pi * frequency * (size - 1) / size
    alone = (frequency == 0) | (2 * frequency == size)
    twice = (2.0 - alone.to(torch.float64)) / size
    return torch.stack([twice * angle.cos(), -twice * angle.sin()], dim=-1).to(dtype)
