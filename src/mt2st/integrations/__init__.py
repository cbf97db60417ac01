"""mt2st in other libraries, one file each, each behind an extra. Nothing here is imported by the rest of the package."""
