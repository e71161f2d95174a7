import torch

from vesalius import nets

SIZE = {"dims": 3, "channels": 1, "classes": 3, "width": 4, "depth": 2}


def test_the_answer_is_the_mean_of_the_members_probabilities():
    ensemble = nets.build("ensemble", {"net": "residual-unet", "arguments": SIZE, "members": 3})
    image = torch.randn(1, 1, 8, 6, 4)

    with torch.inference_mode():
        given = ensemble(image).softmax(1)
        expected = torch.stack([member(image).softmax(1) for member in ensemble.members]).mean(0)

    torch.testing.assert_close(given, expected)
    first, second = (dict(member.named_parameters()) for member in ensemble.members[:2])
    assert not torch.equal(first["heads.0.weight"], second["heads.0.weight"])


def test_it_has_the_parameters_of_all_members():
    def count(module: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in module.parameters())

    one = count(nets.build("residual-unet", SIZE))
    assert count(nets.build("ensemble", {"net": "residual-unet", "arguments": SIZE, "members": 4})) == 4 * one
