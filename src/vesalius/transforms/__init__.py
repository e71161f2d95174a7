"""Volume → tensor and back: resampling between grids and intensity rules."""
