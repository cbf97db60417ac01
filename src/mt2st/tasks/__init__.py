"""Primary and auxiliary tasks: where their batches come from, their loss, their measures (appendix VI-A).

A task learns in one of two ways. A `Task` gives batches and a differentiable loss, and torch computes its gradient. A
`KernelTask` updates the shared embedding table itself, in compiled code, and runs beside the primary task's step. A new
task is one new file with a class of either form; the trainer knows nothing else of it.
"""

from mt2st.tasks.batch import TextBatch, Texts
from mt2st.tasks.classification import ClassificationTask
from mt2st.tasks.context import ContextTask
from mt2st.tasks.task import KernelTask, Span, Task

__all__ = ["ClassificationTask", "ContextTask", "KernelTask", "Span", "Task", "TextBatch", "Texts"]
