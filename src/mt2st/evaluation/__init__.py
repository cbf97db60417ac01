"""Measures on plain arrays and word vectors (section IV)."""

from mt2st.evaluation.classification import ClassificationReport, classification_report

__all__ = ["ClassificationReport", "classification_report"]
