"""Speed of the local models. A torchvision that was built for another torch does not stand in the way."""

from tests.doubles import torchvision_without_cuda

torchvision_without_cuda.install()
