"""Scripts that measure: their help says what each does. A package, because older pyarrow installs one of this name."""
