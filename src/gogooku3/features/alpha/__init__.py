"""Parts of the alpha158 set: its published formulas and the kernels that evaluate them without price levels."""
