"""Training from all tasks to the primary one (III-B6): trainer, task protocols, callbacks, feedback, checkpoints.

`Trainer` trains any torch module. A task is any class with the methods of `Task`; `DataLoaderTask` makes one of a
`DataLoader` and a loss function. This folder knows nothing of this package's own tasks and networks.
"""

from mt2st.training.auxiliaries import Auxiliaries, AuxiliaryDataset
from mt2st.training.averaging import ParameterAverage
from mt2st.training.callbacks import Callback, CheckpointEvery, MetricsLog
from mt2st.training.convergence import CheckConvergence, EarlyStopping
from mt2st.training.feedback import Feedback
from mt2st.training.flops import FlopMeter
from mt2st.training.freezing import DimensionFreezing, load_freezes, save_freezes
from mt2st.training.learning_rate import LearningRateSchedule
from mt2st.training.loader_task import DataLoaderTask
from mt2st.training.processes import Alone, connected
from mt2st.training.run import Evaluation, Freeze, ProbeFit, Progress, Run, Transition
from mt2st.training.task import DividedTask, EpochSlice, KernelTask, RunParallel, SharedKernelTask, Shares, Task
from mt2st.training.trainer import Trainer
from mt2st.training.transition import FittedHead, HeadProbe, TransitionActions

__all__ = [
    "Alone",
    "Auxiliaries",
    "AuxiliaryDataset",
    "Callback",
    "CheckConvergence",
    "CheckpointEvery",
    "DataLoaderTask",
    "DimensionFreezing",
    "DividedTask",
    "EarlyStopping",
    "EpochSlice",
    "Evaluation",
    "Feedback",
    "FittedHead",
    "FlopMeter",
    "Freeze",
    "HeadProbe",
    "KernelTask",
    "LearningRateSchedule",
    "MetricsLog",
    "ParameterAverage",
    "ProbeFit",
    "Progress",
    "Run",
    "RunParallel",
    "SharedKernelTask",
    "Shares",
    "Task",
    "Trainer",
    "Transition",
    "TransitionActions",
    "connected",
    "load_freezes",
    "save_freezes",
]
