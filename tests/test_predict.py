"""Predictions are the model's own, for the part of an image that is shown as seen."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from builders import model_info, random_inputs, saved_checkpoint, vision_transformer
from PIL import Image

from vit import images
from vit.explain.trace import trace
from vit.images import DecodedImage
from vit.predict import Predictor


def image(width=40, height=24, seed=0, note=None) -> DecodedImage:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return DecodedImage(Image.fromarray(pixels), note)


def predictor(**config) -> Predictor:
    model = vision_transformer(**config)
    return Predictor(model, model_info(model))


def test_probabilities_are_the_softmax_of_the_models_logits(tmp_path):
    model = vision_transformer()
    loaded = Predictor.load(saved_checkpoint(tmp_path / "a.safetensors", model))
    shown = image(width=8, height=8)  # the model's own size: nothing is cut or scaled
    pixels = torch.from_numpy(np.array(shown.image)).permute(2, 0, 1)[None].double() / 255
    mean, std = (
        torch.tensor(values, dtype=torch.float64).view(3, 1, 1) for values in (loaded.info.mean, loaded.info.std)
    )
    expected = model.double()((pixels - mean) / std).softmax(1)[0].tolist()
    assert loaded.predict([("a", shown)])[0].probabilities == pytest.approx(expected, abs=1e-5)


def test_top_names_the_likeliest_classes_first():
    prediction = predictor().predict([("a", image())])[0]
    top = prediction.top(2)
    assert len(top) == 2
    assert top[0][1] == max(prediction.probabilities)
    assert top[0][1] >= top[1][1]
    assert dict(prediction.top(99)) == dict(zip(prediction.classes, prediction.probabilities, strict=True))
    assert sum(prediction.probabilities) == pytest.approx(1)


def test_what_is_said_to_be_seen_is_the_box_of_the_original():
    shown = image(width=50, height=30)
    prediction = predictor().predict([("a", shown)])[0]
    assert prediction.seen.size == (8, 8)
    left, top, right, bottom = prediction.box
    assert (right - left, bottom - top) == (30, 30)
    assert images.fit(shown.image.crop(prediction.box), 8).tobytes() == prediction.seen.tobytes()


def test_names_and_notes_stay_with_their_images():
    batch = [(f"image {i}", image(seed=i, note=f"note {i}")) for i in range(5)]
    predictions = predictor().predict(batch)
    assert [(p.name, p.note) for p in predictions] == [(f"image {i}", f"note {i}") for i in range(5)]


def test_a_image_is_predicted_alike_alone_and_among_others():
    ours = predictor()
    batch = [(str(i), image(seed=i)) for i in range(130)]  # more than one batch
    together = ours.predict(batch)
    assert len(together) == 130
    for index in (0, 63, 64, 129):
        alone = ours.predict([batch[index]])[0]
        assert alone.probabilities == pytest.approx(together[index].probabilities, abs=1e-5)


def test_no_images_make_no_predictions():
    assert predictor().predict([]) == []


def test_explaining_predicts_the_same_and_traces_the_same_input():
    ours, shown = predictor(pool="cls"), image()
    prediction, found = ours.explain("a", shown)
    assert prediction.probabilities == pytest.approx(ours.predict([("a", shown)])[0].probabilities, abs=1e-5)
    assert torch.equal(found.attention, trace(ours.model, ours.inputs([prediction.seen])).attention)
    assert found.attention.shape[1] == 1


def test_a_model_of_gray_images_sees_gray():
    prediction = predictor(in_channels=1).predict([("a", image())])[0]
    assert prediction.seen.mode == "L"


def test_a_loaded_model_is_only_read(tmp_path):
    loaded = Predictor.load(saved_checkpoint(tmp_path / "a.safetensors"))
    loaded.explain("a", image())
    assert not loaded.model.training
    assert not any(weight.requires_grad for weight in loaded.model.parameters())


def test_many_threads_may_share_one_predictor():
    ours = predictor()
    shown = [(str(i), image(seed=i)) for i in range(24)]
    expected = [ours.predict([pair])[0].probabilities for pair in shown]

    def ask(index):
        if index % 2:
            return ours.explain(*shown[index])[0].probabilities
        return ours.predict([shown[index]])[0].probabilities

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, list(range(24)) * 4))
    for index, answer in enumerate(answers):
        assert answer == pytest.approx(expected[index % 24], abs=1e-5)


def test_inputs_are_normalized_like_training_images():
    ours = predictor()
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    seen = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in pixels]
    mean, std = torch.tensor(ours.info.mean).view(3, 1, 1), torch.tensor(ours.info.std).view(3, 1, 1)
    assert torch.allclose(ours.inputs(seen), (pixels / 255 - mean) / std, atol=1e-5)
    assert ours.inputs(seen).shape == random_inputs(ours.model, 2).shape


def test_a_model_and_what_was_measured_of_it_are_loaded_without_what_loads_slowly():
    """Torch imports its compiler, in two seconds, for random numbers on the "meta" device, among others."""
    code = "import sys; from vit.judge import Judge; Judge.load('cifar10-plain'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "vit.model" in loaded
    assert {"torch._dynamo", "sklearn", "scipy"}.isdisjoint(loaded)
