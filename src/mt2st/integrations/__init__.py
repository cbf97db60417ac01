"""mt2st in other libraries: one file each, each behind an extra. The rest of the package imports nothing of it."""
