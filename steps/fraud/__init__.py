"""Steps of the fraud model: train, fuse, evaluate, explain."""
