"""The model card says what model.json says."""

from __future__ import annotations

from vesalius.models.card import render
from vesalius.models.folder import open_model
from vesalius.models.spec import Decision, MeasuredScore, SlidingGrid, WholeGrid


def test_the_card_states_purpose_limits_origin_and_licence() -> None:
    spec = open_model("brain").spec
    card = render(spec)
    for text in (
        spec.summary,
        *spec.uses,
        *spec.limits,
        spec.origin.data,
        spec.origin.citation,
        "MIT",
        "900 to 2100 ml",
    ):
        assert text in card
    assert "256×256×256" in card
    assert card.index("What it is for") < card.index("Where it comes from")


def test_what_is_not_given_is_left_out() -> None:
    card = render(open_model("brain").spec.model_copy(update={"scores": ()}))
    assert "Seed" not in card
    assert "Measured scores" not in card


def test_split_seed_and_scores_are_stated_when_given() -> None:
    spec = open_model("brain").spec
    origin = spec.origin.model_copy(update={"split": "80 % of the patients to train", "seed": 0})
    score = MeasuredScore(metric="Dice", value=0.9912, on="20 scans", command="vesalius evaluate brain")
    grid = SlidingGrid(patch=(64, 96, 32), spacing=(0.5, 0.5, 3))
    network = spec.network.model_copy(update={"grid": grid})
    card = render(spec.model_copy(update={"origin": origin, "scores": (score,), "network": network}))
    assert "Split: 80 % of the patients to train" in card
    assert "Seed: 0" in card
    assert "| Dice | 0.9912 | 20 scans | `vesalius evaluate brain` |" in card
    assert "64×96×32 voxels at 0.5×0.5×3 mm" in card


def test_a_classifier_says_how_it_decides_and_a_2d_network_that_it_is_one() -> None:
    spec = open_model("brain").spec
    network = spec.network.model_copy(update={"planar": True, "grid": WholeGrid(size=(64, 48, 1))})
    decision = Decision(temperature=1.37, label="brain", threshold=0.42)
    classifier = spec.model_copy(update={"task": "classify", "network": network, "locator": None, "decision": decision})
    card = render(classifier)
    assert "Classes: 1 brain" in card
    assert "the temperature 1.37; the answer is brain from a probability of 0.42 on" in card
    assert ", 2D, sees its region at once, sampled to 64×48×1 voxels" in card
    undecided = classifier.model_copy(update={"decision": Decision(temperature=2)})
    assert "the temperature 2; the answer is the most probable class" in render(undecided)
    assert "temperature" not in render(spec)
