"""Writes a small labelled table: python small_data.py FILE.csv."""

import csv
import random
import sys
from pathlib import Path

WORDS = {"good": ["warm", "witty", "fine", "moving"], "bad": ["dull", "long", "flat", "tired"]}

rng = random.Random(0)
with Path(sys.argv[1]).open("w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["text", "label"])
    for number in range(200):
        label = ("good", "bad")[number % 2]
        writer.writerow([f"a {rng.choice(WORDS[label])} and {rng.choice(WORDS[label])} film", label])
