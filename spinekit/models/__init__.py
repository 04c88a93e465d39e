"""Ultralytics and what stands around it: finding and checking weights, training, detecting.

Nothing here imports torch or ultralytics at module level but `trainers`, which is itself imported late.
"""
