"""Primary and auxiliary tasks: their batches, losses and metrics (appendix VI-A).

The protocols of a task are in `mt2st.training`. A new task is one new file with a class that has their methods.

The appendix's auxiliary tasks are `SemanticSyntacticTask` (UPDATE 0), `MisalignmentTask` (UPDATE 1), `AnalogyTask`
(UPDATE 2) and `SpearmanTask` (UPDATE 3). They train ``module.embedding.weight`` of any module on relations between
words: `Questions`, `Lexicon` and `Judgements`. `held_out_words` and `divide` split these by word: no held-out row
shares a word with a training row. Where each word has a row of its own, a task alone therefore cannot change its
held-out metrics; they show what all tasks together make of the other words.
"""

from mt2st.tasks.analogy import AnalogyTask, Coefficients
from mt2st.tasks.batch import TextBatch, Texts
from mt2st.tasks.classification import ClassificationTask, MultiLabelTask
from mt2st.tasks.context import ContextTask
from mt2st.tasks.glove import GloveTask
from mt2st.tasks.held_out import Coverage, HeldOut, divide, held_out_words
from mt2st.tasks.labelled import LabelledTask
from mt2st.tasks.misalignment import MisalignmentTask
from mt2st.tasks.relations import Judgements, Lexicon, Questions, read_pairs
from mt2st.tasks.semantic_syntactic import SemanticSyntacticTask
from mt2st.tasks.spearman import SpearmanTask
from mt2st.tasks.tagging import TaggingTask

__all__ = [
    "AnalogyTask",
    "ClassificationTask",
    "Coefficients",
    "ContextTask",
    "Coverage",
    "GloveTask",
    "HeldOut",
    "Judgements",
    "LabelledTask",
    "Lexicon",
    "MisalignmentTask",
    "MultiLabelTask",
    "Questions",
    "SemanticSyntacticTask",
    "SpearmanTask",
    "TaggingTask",
    "TextBatch",
    "Texts",
    "divide",
    "held_out_words",
    "read_pairs",
]
