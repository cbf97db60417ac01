"""Prediction with saved ``mean`` models by numpy and safetensors alone, ready in a tenth of a second.

Example::

    from mt2st.inference import load

    model = load("run/model")
    model.predict(["A film of rare wit."])

`mt2st.load` gives the same `Predictor` if torch is not installed; this module, whatever is installed.
"""

from mt2st.models.inference import Predictor

__all__ = ["Predictor", "load"]

load = Predictor.load
