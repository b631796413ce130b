"""Trained models as files and as `nn.Module`s: needs torch, numpy and safetensors, and neither Ray, MLflow nor Optuna.

    from trainables import saved_models

    model = saved_models.load("model.safetensors")
    x = model.sample(64, seed=1)

`python -m trainables.saved_models model.safetensors` says what a file holds, and measures it again.
"""

from trainables.saved_models.files import ModelFileError as ModelFileError
from trainables.saved_models.files import load as load
from trainables.saved_models.files import save as save
from trainables.saved_models.model import TrainedModel as TrainedModel
