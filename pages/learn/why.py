"""Chapter 1: why transformers for images, and when a CNN is the better choice."""

from pathlib import Path

import streamlit as st

from pages.learn import lesson
from pages.learn.lesson import Part
from pages.learn.reader import Reader, cached
from pages.shared import component, datasets, live_chart, mistakes
from pages.shared.inline import data_url
from pages.shared.literal import literal
from pages.shared.live_chart import Series
from vit import jobs, text
from vit.config import ModelConfig
from vit.learn import compared
from vit.learn.compared import NETWORKS, SHARES
from vit.plots.scale import Scale

KEY = "why"
REFRESH_SECONDS = 1
LOOKS = {"ViT": "train", "CNN": "val"}  # in a chart
UNMEASURED = (
    "Train both here: networks of the same size, the same batches, the same recipe, once with a twentieth of the "
    "training images and once with all."
)

_figure = component.register("vit_lab_why", Path(__file__).with_suffix(".js"))


def draw(reader: Reader) -> None:
    """What each of the two can see, what that costs, and which one learns more from how much data."""
    lesson.prose(
        "A convolutional network (CNN) slides small filters over an image. It looks at neighbors first, and only a "
        "stack of layers brings distant parts together. That is a good habit for images: nearby pixels belong "
        "together, and a cat is a cat wherever it sits.\n\n"
        "A transformer has no such habit built in. Each of its layers lets every part of the image look at every other "
        "part, and training decides where to look. It can learn what a CNN can't express, but it has to learn more."
    )
    answered = lesson.question(KEY, *question(reader.config))
    _figure(key=KEY, data=figure(reader, answered))
    lesson.formula(KEY, *formula(reader.config))
    st.header("Which one learns more?", anchor=False)
    if measured := compared.measured():
        lesson.prose(outcome(measured))
        _curves(measured_lines(measured), "measured")
    else:
        lesson.prose(UNMEASURED)
    running = _running()
    st.fragment(_own, run_every=REFRESH_SECONDS if running else None)(running)
    lesson.try_it(
        "A ViT with a few convolutions in front of it takes the best of both. Train one in a minute: it is the preset "
        "that this app begins with.",
        "train",
        "Train a ViT behind three convolutions",
        ":material/model_training:",
        {"preset": "1-minute"},
    )


def question(config: ModelConfig) -> tuple[str, list[str], int, str]:
    """How many convolutions it takes to see everything."""
    side = config.image_size
    half = side // 2
    words = (
        f"Each 3 × 3 convolution lets a pixel see one pixel further in every direction. How many have to follow each "
        f"other until the middle of this image of {side} × {side} pixels depends on all of it?"
    )
    because = (
        f"From the middle to the border there are {half} pixels, one for each convolution. Real CNNs shrink the image "
        "on the way to get there sooner. A transformer's first layer already compares all patches."
    )
    return words, ["3", f"{half}", f"{side * side}"], 1, because


def formula(config: ModelConfig) -> tuple[str, dict[str, Part], object]:
    """A convolution's weights depend on the distance, attention's on the content."""
    from vit.model import Attention

    heads, count = config.num_heads, config.num_tokens
    parts = {
        "y": Part("y_i", "what place i becomes", "(B, N, D)", f"(1, {count}, {config.embed_dim})", "self.project(x)"),
        "w": Part("w_{i-j}", "a filter's weight: it depends on the distance alone, and is the same for every image"),
        "a": Part(
            "a_{ij}",
            "attention: how much i takes from j; it depends on what is there",
            "(B, h, N, N)",
            f"(1, {heads}, {count}, {count})",
            "scaled_dot_product_attention",
        ),
        "v": Part(
            "v_j", "what place j has to say", "(B, h, N, d)", f"(1, {heads}, {count}, {config.head_dim})", "_hea"
        ),
    }
    latex = (
        r"\begin{aligned} \text{convolution: } <y> &= \sum_{|i-j| \le 1} <w> \, x_j \\ "
        r"\text{attention: } <y> &= \sum_{j=1}^{N} <a> \, <v> \end{aligned}"
    )
    return latex, parts, Attention.forward


@cached()
def _attention(reader: Reader) -> str:
    """What patches take in from patches, the mean over heads: (L, P, P)."""
    trace = reader.trace
    prefix = trace.num_prefix_tokens
    return lesson.halves(trace.attention[:, 0].mean(1)[:, prefix:, prefix:])


def figure(reader: Reader, answered: bool) -> dict:
    """What the figure gets: the image and all attention between its patches."""
    return {
        "photo": data_url(reader.answer.crop, "JPEG"),
        "own": f"{reader.answer.key}",
        "side": reader.config.image_size,
        "grid": reader.config.grid_size,
        "layers": reader.config.depth,
        "attention": _attention(reader),
        "scale": vars(Scale(0.0, 1.0)),
        "answered": answered,
    }


# The comparison


def outcome(measured: dict) -> str:
    """What the project has measured, in words that follow the numbers."""
    ends = {(curve["network"], curve["share"]): curve for curve in measured["curves"]}
    sentences = []
    for share in SHARES:
        vit, cnn = (ends[name, share] for name in NETWORKS)
        count = round(share * measured["num_train"])
        sentences.append(
            f"With **{count:,} training images** the CNN reaches {_reached(cnn)} and the ViT {_reached(vit)}."
        )
    sizes, seeds = measured["parameters"], len(measured["seeds"])
    return (
        f"Both networks have about {sizes['ViT'] / 1e6:.1f} million parameters and see the same batches of CIFAR-10: "
        f"{measured['steps']:,} steps of {measured['batch_size']} images, with the same optimizer. "
        + " ".join(sentences)
        + f" (Val accuracy, mean and standard deviation of {seeds} seeds.) {_verdict(ends)}{_brief(measured)}"
    )


def _reached(curve: dict) -> str:
    return f"{text.percent(curve['mean'][-1])} ± {100 * curve['std'][-1]:.1f}"


def _verdict(ends: dict) -> str:
    """Whether the ViT is behind, and whether more data brings it closer."""
    few, many = (ends["CNN", share]["mean"][-1] - ends["ViT", share]["mean"][-1] for share in SHARES)
    if min(few, many) > 0:
        better = "The CNN is the better choice for small images, little data and little time"
        closer = "with more data its lead shrinks" if many < few else "even with more data its lead stays"
        return f"{better}; {closer}. A transformer catches up with more data, more time, or a model to start from."
    return "Which one is ahead depends on the amount of data: see for yourself below."


def _brief(measured: dict) -> str:
    """What more data can't show in a training that sees no image twice."""
    seen, count = measured["steps"] * measured["batch_size"], measured["num_train"]
    if seen >= count:
        return ""
    return (
        f" This was a short training: of the {count:,} images it drew {seen:,}, each at most once, so most of what "
        "more data gives is still to come."
    )


Lines = dict[tuple[str, float], tuple[list[int], list[float]]]  # steps and val accuracies by network and share


def measured_lines(measured: dict) -> Lines:
    return {(curve["network"], curve["share"]): (curve["steps"], curve["mean"]) for curve in measured["curves"]}


def own_lines(rows: list[compared.Row]) -> Lines:
    found: Lines = {}
    for row in rows:
        steps, values = found.setdefault((row.network, row.share), ([], []))
        steps.append(row.step)
        values.append(row.val_accuracy)
    return found


def _curves(lines: Lines, key: str) -> None:
    """One chart per share of the training images, with both networks."""
    for column, share in zip(st.columns(2, gap="medium"), SHARES, strict=True):
        with column:
            st.markdown(f"**{share:.0%} of the training images**" if share < 1 else "**All training images**")
            found = {name: lines[name, share] for name in NETWORKS if (name, share) in lines}
            ends = ", ".join(f"{name} {text.percent(values[-1])}" for name, (_, values) in found.items())
            live_chart.draw(
                [Series(name, LOOKS[name], *line) for name, line in found.items()],
                key=f"{key}-{share}",
                x_title="step",
                y_title="val accuracy",
                alt=f"Val accuracy at the end: {ends}",
                height=240,
                percent=True,
            )


def _own(running: list[str]) -> None:
    """The same comparison on this machine; drawn anew when one begins or ends."""
    if _running() != running:
        st.rerun()
    with st.container(border=True), mistakes.shown():
        names = [info.name for info in datasets.usable()]
        source = st.selectbox("Compare on this machine, with the data set", names, key="versus")
        job = jobs.status(compared.job_name(source))
        if job and job.state == "running":
            share = min(1.0, job.done / job.total) if job.total else 0.0
            st.progress(share, text=literal(job.message or "Starting"))
            st.button("Cancel", on_click=jobs.cancel, args=(job.name,), key="cancel-versus")
            return
        if job and job.error:
            st.error(literal(job.error))
        if st.button("Train both", icon=":material/play_arrow:", help="Four trainings of 400 steps: some minutes."):
            compared.start(source)
            st.rerun()
        if rows := compared.read(source):
            _curves(own_lines(rows), "own")


def _running() -> list[str]:
    return [job.name for job in jobs.active("lesson")]
