"""A small convolutional network, to compare a Vision Transformer with."""

from torch import Tensor, nn

STAGES = 3  # each halves the image and doubles the channels
MOST_WIDTH = 512


class SmallCnn(nn.Module):
    """Pairs of 3x3 convolutions with batch norm and ReLU, pooling between the pairs: (B, C, H, W) -> (B, K).

    The plain design of VGG (Simonyan & Zisserman 2014, arXiv:1409.1556) with a global average before the head.
    """

    def __init__(self, width: int, in_channels: int, num_classes: int):
        super().__init__()
        layers, channels = [], in_channels
        for stage in range(STAGES):
            out = width * 2**stage
            layers += [*convolution(channels, out), *convolution(out, out), nn.MaxPool2d(2)]
            channels = out
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images).mean((2, 3)))


def convolution(channels: int, out: int) -> list[nn.Module]:
    """A 3x3 convolution with batch norm and ReLU: (B, channels, H, W) -> (B, out, H, W)."""
    return [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]


def num_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def of_size(parameters: int, in_channels: int, num_classes: int) -> SmallCnn:
    """The network whose number of parameters is closest to the one asked for."""
    width = min(range(2, MOST_WIDTH), key=lambda width: abs(size(width, in_channels, num_classes) - parameters))
    return SmallCnn(width, in_channels, num_classes)


def size(width: int, in_channels: int, num_classes: int) -> int:
    """How many parameters a network of this width has, by arithmetic: building hundreds of them would take seconds."""
    widths = [in_channels, *(width * 2**stage for stage in range(STAGES) for _ in range(2))]
    convolutions = sum(9 * channels * out + 2 * out for channels, out in zip(widths, widths[1:], strict=False))
    return convolutions + (widths[-1] + 1) * num_classes
