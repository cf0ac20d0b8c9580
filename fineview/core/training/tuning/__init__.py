"""Training an encoder together with its head: model, batches, loop, and what is measured of it."""
