"""Blocks are hidden whole, in all channels, as many as asked."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vesalius.nets.masking import masked  # noqa: E402


@pytest.mark.parametrize(("share", "hidden"), [(0.6, 29), (0.75, 36), (0.02, 1), (0.0, 0), (1.0, 48)])
def test_hides_the_asked_share_in_whole_blocks(share: float, hidden: int) -> None:
    seen = masked(torch.ones(3, 2, 8, 16, 24), share, 4)
    blocks = seen.reshape(3, 2, 2, 4, 4, 4, 6, 4).permute(0, 1, 2, 4, 6, 3, 5, 7).reshape(3, 2, 48, -1)
    whole = blocks.mean(-1)
    assert set(whole.unique().tolist()) <= {0.0, 1.0}, "no block is hidden in part"
    assert (whole == 0).sum(-1).tolist() == [[hidden] * 2] * 3


def test_what_is_seen_is_as_it_was_and_channels_are_hidden_alike() -> None:
    image = torch.rand(2, 3, 8, 8, 8) + 1
    seen = masked(image, 0.5, 4)
    assert torch.equal(seen[seen != 0], image[seen != 0])
    assert torch.equal(seen[:, :1] != 0, (seen[:, 1:2] != 0)), "channels"
    assert not torch.equal(seen[0] != 0, seen[1] != 0), "each image has blocks of its own"


def test_at_the_far_border_blocks_are_what_is_left_of_them() -> None:
    torch.manual_seed(1)
    seen = masked(torch.ones(1, 1, 5, 6, 1), 0.5, 4)[0, 0, :, :, 0]
    corners = seen[[0, 0, 4, 4], [0, 4, 0, 4]].tolist()
    assert sorted(corners) == [0, 0, 1, 1]
    for (rows, columns), value in zip(((0, 0), (0, 4), (4, 0), (4, 4)), corners, strict=True):
        assert (seen[rows : rows + 4, columns : columns + 4] == value).all()


def test_the_draw_is_torchs() -> None:
    image = torch.ones(1, 1, 16, 16, 16)
    torch.manual_seed(3)
    first, other = masked(image, 0.5, 4), masked(image, 0.5, 4)
    torch.manual_seed(3)
    assert torch.equal(masked(image, 0.5, 4), first)
    assert not torch.equal(other, first)
