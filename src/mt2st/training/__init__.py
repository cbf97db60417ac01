"""Training from all tasks to the primary one: the loop, its clock, its log, its end and its checkpoints (III-B6)."""

from mt2st.training.combination import GradientCombination
from mt2st.training.convergence import CheckConvergence, CheckValidation
from mt2st.training.feedback import Feedback
from mt2st.training.freezing import DimensionFreezing
from mt2st.training.frozen_dimensions import load_freezes, save_freezes
from mt2st.training.learning_rate import AdaptiveRate
from mt2st.training.refit import HeadRefit
from mt2st.training.run import Evaluation, Freeze, Refit, Run, Transition
from mt2st.training.trainer import Trainer
from mt2st.training.transition import TransitionEffects

__all__ = [
    "AdaptiveRate",
    "CheckConvergence",
    "CheckValidation",
    "DimensionFreezing",
    "Evaluation",
    "Feedback",
    "Freeze",
    "GradientCombination",
    "HeadRefit",
    "Refit",
    "Run",
    "Trainer",
    "Transition",
    "TransitionEffects",
    "load_freezes",
    "save_freezes",
]
