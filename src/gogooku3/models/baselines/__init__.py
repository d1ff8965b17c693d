"""The bar that every other model has to pass: ridge regression and LightGBM."""
