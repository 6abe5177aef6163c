"""Models: training, fusion, calibration and the bundle they are stored in."""
