"""How much each auxiliary task counts, and for how long: the heart of MT2ST, in plain Python.

A strategy answers one question, ``weights(t)``: with which weight does each *auxiliary* task enter the update at time
``t``? The primary task's weight is 1 by definition. The total update is eq. 3 of arXiv 2406.18038v2::

    theta <- theta - lr * (grad L_primary + sum_k weight_k(t) * grad L_aux_k)

The paper's strategies are here with their adaptive forms and the baselines that they are compared with.
`PretrainFinetune`, `UncertaintyWeighting` and `DWA` also weigh the primary (`Strategy.primary_weight`). `PCGrad`,
`MGDA`, `CAGrad`, `GradientCosine` and `Bloop` combine the tasks' gradients in another way than by adding them.

Nothing here imports torch or the rest of the package, so a strategy works in any training loop::

    strategy = Diminish(decay=0.5, auxiliaries=["tagging"])
    for epoch in range(1, epochs + 1):
        for name, weight in strategy.weights(epoch).items():
            if weight:                                # weight 0 means: do not even compute this task
                loss = loss + weight * losses[name]()
"""

from mt2st.strategy.adaptive_diminish import AdaptiveDiminish
from mt2st.strategy.adaptive_switch import AdaptiveSwitch
from mt2st.strategy.base import PRIMARY_TASK, Strategy
from mt2st.strategy.combining import MGDA, Bloop, CAGrad, CombiningStrategy, GradientCosine, PCGrad
from mt2st.strategy.diminish import Diminish
from mt2st.strategy.dwa import DWA
from mt2st.strategy.loading import as_strategy, known_strategies, load_strategy
from mt2st.strategy.multi_task import MultiTask
from mt2st.strategy.observation import Decision, Observation
from mt2st.strategy.parameters import LineStyle, Option, Range, Scale
from mt2st.strategy.single_task import SingleTask
from mt2st.strategy.switch import PretrainFinetune, Switch
from mt2st.strategy.uncertainty import UncertaintyWeighting

__all__ = [
    "DWA",
    "MGDA",
    "PRIMARY_TASK",
    "AdaptiveDiminish",
    "AdaptiveSwitch",
    "Bloop",
    "CAGrad",
    "CombiningStrategy",
    "Decision",
    "Diminish",
    "GradientCosine",
    "LineStyle",
    "MultiTask",
    "Observation",
    "Option",
    "PCGrad",
    "PretrainFinetune",
    "Range",
    "Scale",
    "SingleTask",
    "Strategy",
    "Switch",
    "UncertaintyWeighting",
    "as_strategy",
    "known_strategies",
    "load_strategy",
]
