"""What chapters say follows the numbers that were measured, and the model that is read about."""

import pytest

from pages.learn import fine_tuning, patches, what_next, why
from vit import cost
from vit.config import ModelConfig
from vit.learn import compared


def curves(**ends: float) -> dict:
    """Measured curves with these last val accuracies: ``vit_few=0.3``."""
    made = []
    for network in ("ViT", "CNN"):
        for name, share in (("few", 0.05), ("many", 1.0)):
            mean = [0.1, ends[f"{network.lower()}_{name}"]]
            made.append({"network": network, "share": share, "steps": [1, 2], "mean": mean, "std": [0.0, 0.01]})
    told = {"num_train": 49_000, "parameters": {"ViT": 550_000}, "seeds": [0, 1, 2], "steps": 600, "batch_size": 64}
    return {**told, "curves": made}


def test_the_verdict_follows_the_measured_curves():
    shrinks = why.outcome(curves(vit_few=0.3, vit_many=0.5, cnn_few=0.5, cnn_many=0.6))
    assert "the CNN reaches 50.0% ± 1.0 and the ViT 30.0% ± 1.0" in shrinks
    assert "with more data its lead shrinks" in shrinks
    stays = why.outcome(curves(vit_few=0.3, vit_many=0.5, cnn_few=0.4, cnn_many=0.7))
    assert "even with more data its lead stays" in stays
    ahead = why.outcome(curves(vit_few=0.6, vit_many=0.9, cnn_few=0.5, cnn_many=0.6))
    assert "CNN is the better choice" not in ahead


def test_a_training_of_less_than_a_pass_says_so():
    short = curves(vit_few=0.3, vit_many=0.5, cnn_few=0.4, cnn_many=0.7)
    assert "of the 49,000 images it drew 38,400, each at most once" in why.outcome(short)
    assert "short training" not in why.outcome(short | {"steps": 800})


def test_what_was_measured_has_its_machine_data_and_seeds():
    for measured in filter(None, (compared.measured(), fine_tuning.measured())):
        assert measured["machine"]["processor"]
        assert len(measured["seeds"]) >= 3
        assert measured["data"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "There are now 144 patches instead of 64, and each needs a position"),
        ({"patch_size": 8}, "There are now 36 patches instead of 16"),
        ({"pos_embed": "rope"}, "this model has learned no positions"),
        ({"pos_embed": "none"}, "this model has learned no positions"),
    ],
)
def test_the_question_about_larger_images_follows_the_model(fields, words):
    question, options, right, because = fine_tuning.question(ModelConfig(**fields))
    assert words in because
    assert "48 × 48" in question
    assert options[right] == ("None of them" if "pos_embed" in fields else "The position embeddings alone")


def test_famous_models_have_their_published_sizes():
    published = {"ViT-Ti/16": 5.7, "ViT-S/16": 22.1, "ViT-B/16": 86.6, "ViT-L/16": 304.3, "ViT-H/14": 632.0}
    for name, millions in published.items():
        assert cost.num_parameters(what_next.FAMOUS[name]) / 1e6 == pytest.approx(millions, abs=0.1)


def test_smaller_patches_give_more_tokens():
    for size in patches.sizes(ModelConfig()):
        config = patches.with_size(ModelConfig(), size)
        assert f"**{(32 // size) ** 2} patches**" in patches.words(config, is_own=False)
    assert patches.with_size(ModelConfig(), 5) == ModelConfig()
