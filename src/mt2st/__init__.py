"""MT2ST: Multi-Task to Single-Task learning of task-specific word embeddings (arXiv 2406.18038v2)."""

from __future__ import annotations

__version__ = "0.1.0"
