"""The deeply supervised network: three stages, each of which has to segment on its own."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vesalius import nets  # noqa: E402


@pytest.mark.parametrize("dims", [2, 3])
def test_has_the_parameters_counted_by_hand(dims: int) -> None:
    kernel, double = 3**dims, 2**dims
    encoder = kernel * (2 * 4 + 4 * 4 + 4 * 8 + 8 * 8 + 8 * 16 + 16 * 16) + 2 * 2 * (4 + 8 + 16)
    first = 4 * 3 + 3
    second = double * 8 * 4 + 4 + first
    last = double * 16 * 8 + 8 + second
    network = nets.build("deeply-supervised", {"dims": dims, "channels": 2, "classes": 3, "width": 4})
    assert sum(parameter.numel() for parameter in network.parameters()) == encoder + first + second + last


def test_in_train_mode_the_last_stage_comes_first_and_each_sees_no_deeper_one() -> None:
    torch.manual_seed(0)
    network = nets.build("deeply-supervised", {"width": 4})
    image = torch.rand(1, 1, 8, 12, 16)
    with torch.inference_mode():
        single, before = network(image), network.train()(image)
        torch.nn.init.zeros_(network.stages[2][1][0].weight)  # the last convolution of all
        after = network(image)
    torch.testing.assert_close(before[0], single)
    assert [torch.equal(one, other) for one, other in zip(before, after, strict=True)] == [False, True, True]
