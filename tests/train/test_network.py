"""Networks that start from what another has learned."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

from tiny_trainings import Witness, make_loop, reconstructing, segmenting, write_cases, write_recipe
from vesalius.errors import ModelFolderError, RecipeError
from vesalius.train.network import make_network
from vesalius.train.run import train


def of_group(groups, brought):
    return {id(parameter) for group in groups if group["brought"] is brought for parameter in group["params"]}


def copied(network):
    return {key: tensor.clone() for key, tensor in network.state_dict().items()}


def test_an_encoder_that_learned_to_reconstruct_starts_a_segmentation(tmp_path):
    data = write_cases(tmp_path / "data")
    outcome = train(write_recipe(reconstructing(training__steps=2), tmp_path / "a.toml"), data, tmp_path / "encoder")
    assert sorted(path.name for path in outcome.folder.iterdir()) == ["network.safetensors", "training"]
    assert outcome.result.score.metric == "minus mse"

    recipe = segmenting(network__start="encoder", network__freeze_steps=2, training__steps=4, network__start_rate=0.5)
    fresh, _ = make_network(segmenting(), tmp_path)
    network, groups = make_network(recipe, tmp_path)
    given = load_file(tmp_path / "encoder" / "network.safetensors")
    encoder = {key: tensor for key, tensor in network.state_dict().items() if key.startswith("encoder.")}
    assert encoder
    assert all(torch.equal(given[key], tensor) for key, tensor in encoder.items())
    assert not all(torch.equal(fresh.state_dict()[key], tensor) for key, tensor in encoder.items())
    named = dict(network.named_parameters())
    assert of_group(groups, True) == {id(own) for name, own in named.items() if name.startswith("encoder.")}
    assert of_group(groups, False) == {id(own) for name, own in named.items() if not name.startswith("encoder.")}
    assert all(0.25 <= group["share"] <= 0.5 for group in groups if group["brought"])


def test_what_was_brought_rests_for_the_freeze_steps_and_then_learns(tmp_path):
    data = write_cases(tmp_path / "data")
    train(write_recipe(reconstructing(training__steps=1), tmp_path / "a.toml"), data, tmp_path / "encoder")
    recipe = segmenting(
        network__start=str(tmp_path / "encoder"),
        network__freeze_steps=2,
        training__steps=4,
        training__checkpoint_every=2,
    )
    seen = {}
    witness = Witness(lambda step: seen.update({step: copied(loop.parts.network)}))
    loop = make_loop(recipe, data, tmp_path / "t", witness)
    start = copied(loop.parts.network)
    loop.run()

    def moved(step: int) -> set[str]:
        return {key.split(".")[0] for key, tensor in seen[step].items() if not torch.equal(tensor, start[key])}

    assert "encoder" not in moved(2)
    assert "heads" in moved(2)
    assert {"encoder", "heads"} <= moved(3)


def test_a_whole_model_folder_can_be_the_start(tmp_path):
    data = write_cases(tmp_path / "data")
    train(write_recipe(segmenting(training__steps=1), tmp_path / "a.toml"), data, tmp_path / "first")
    three = {value: {"name": f"label {value}", "colour": "#e8a33d"} for value in (1, 2)}
    arguments = {"dims": 3, "channels": 1, "classes": 3, "width": 4, "depth": 2}
    recipe = segmenting(labels=three, network__arguments=arguments, network__start="first")
    network, groups = make_network(recipe, tmp_path)
    new = {name for name, own in network.named_parameters() if id(own) in of_group(groups, False)}
    assert new == {"heads.0.weight", "heads.0.bias"}  # only the scores of another number of labels


def test_a_start_that_is_not_there_damaged_or_of_another_family_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"network.start: there is no file .*nowhere"):
        make_network(segmenting(network__start="nowhere"), tmp_path)
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelFolderError, match="cannot be read as safetensors"):
        make_network(segmenting(network__start="broken.safetensors"), tmp_path)
    save_file({"other.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(RecipeError, match=r"nothing in other.safetensors fits the network 'residual-unet'"):
        make_network(segmenting(network__start="other.safetensors"), tmp_path)
