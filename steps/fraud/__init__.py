"""Steps of the fraud model: tune, train, fuse, evaluate, explain."""
