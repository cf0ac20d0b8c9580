"""Several tasks on one encoder: a head each, gradients that are compared, ways to balance them."""
