"""Steps of the fraud model: tune, train, fuse, score what to compare with."""
