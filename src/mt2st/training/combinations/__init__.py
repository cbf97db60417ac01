"""Ways to combine the tasks' gradients, a file each: the baselines that are not a matter of weights alone."""

from mt2st.strategy import MGDA, Bloop, CAGrad, GradientCosine, PCGrad, Strategy
from mt2st.training.combination import GradientCombination
from mt2st.training.combinations.bloop import BloopCombination
from mt2st.training.combinations.cagrad import CAGradCombination
from mt2st.training.combinations.cosine import CosineCombination
from mt2st.training.combinations.mgda import MGDACombination
from mt2st.training.combinations.pcgrad import PCGradCombination

__all__ = [
    "BloopCombination",
    "CAGradCombination",
    "CosineCombination",
    "MGDACombination",
    "PCGradCombination",
    "combination_of",
]


def combination_of(strategy: Strategy) -> GradientCombination | None:
    """Return a new combination as the strategy asks for it; None where gradients are added, as by most.

    Raises:
        MissingExtraError: when it needs a package that is not installed.
    """
    match strategy:
        case PCGrad():
            return PCGradCombination()
        case MGDA():
            return MGDACombination()
        case CAGrad():
            return CAGradCombination(strategy.radius)
        case GradientCosine():
            return CosineCombination(gate=strategy.gate)
        case Bloop():
            return BloopCombination(strategy.memory)
        case _:
            return None
