"""spinekit: named vertebrae, landmarks and calibrated measurements from skeletal images."""

__version__ = "0.1.0"
