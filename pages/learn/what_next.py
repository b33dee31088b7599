"""Chapter 10: where to go from here."""

import streamlit as st

from pages.learn import lesson
from pages.learn.lesson import Part
from pages.learn.reader import Reader
from pages.shared.literal import literal
from vit import cost, text
from vit.config import ModelConfig

KEY = "next"
_PAPER = {"image_size": 224, "num_classes": 1000, "mlp_ratio": 4.0, "pool": "cls"}
FAMOUS = {
    "ViT-Ti/16": ModelConfig(patch_size=16, embed_dim=192, depth=12, num_heads=3, **_PAPER),
    "ViT-S/16": ModelConfig(patch_size=16, embed_dim=384, depth=12, num_heads=6, **_PAPER),
    "ViT-B/16": ModelConfig(patch_size=16, embed_dim=768, depth=12, num_heads=12, **_PAPER),
    "ViT-L/16": ModelConfig(patch_size=16, embed_dim=1024, depth=24, num_heads=16, **_PAPER),
    "ViT-H/14": ModelConfig(patch_size=14, embed_dim=1280, depth=32, num_heads=16, **_PAPER),
}
PAPERS = [
    (
        "An Image is Worth 16x16 Words",
        "2010.11929",
        "The Vision Transformer: with enough data, no convolution is needed.",
    ),
    ("Attention Is All You Need", "1706.03762", "The transformer itself, made for translation."),
    ("DeiT", "2012.12877", "A ViT trained on ImageNet alone, by strong augmentation and a CNN as its teacher."),
    ("Swin Transformer", "2103.14030", "Attention in windows that shift, so that large images become affordable."),
    ("CCT", "2104.05704", "Convolutions before a small transformer, as in this app's stems."),
    ("DINO", "2104.14294", "A ViT that learns without labels, and whose attention finds objects by itself."),
    ("Masked Autoencoders", "2111.06377", "Hide three quarters of the patches, and learn by painting them in again."),
    ("How to train your ViT?", "2106.10270", "What augmentation, regularization and data are each worth."),
    ("CLIP", "2103.00020", "Images and sentences in one space: a ViT that knows classes by their description."),
    ("Vision Transformers Need Registers", "2309.16588", "Why some patches turn into notebooks, and what helps."),
    ("Segment Anything", "2304.02643", "A ViT that cuts out whatever is pointed at."),
    ("DINOv2", "2304.07193", "Features for nearly every task, learned without labels from many images."),
]


def draw(reader: Reader) -> None:
    """How large the model is beside famous ones, papers to read, and where its weights can go."""
    lesson.prose(
        "You have seen every part of a Vision Transformer, on a model that fits a laptop. The famous ones have the "
        "same parts, in the same order, under the same names. They differ in size, and in the number of images that "
        "they have seen."
    )
    answered = lesson.question(KEY, *question(reader.config))
    _sizes(reader, answered)
    lesson.formula(KEY, *formula(reader.config))
    st.header("Papers, one sentence each", anchor=False)
    st.markdown("\n".join(f"- [{title}](https://arxiv.org/abs/{number}): {what}" for title, number, what in PAPERS))
    lesson.prose(
        "**The larger world.** [timm](https://github.com/huggingface/pytorch-image-models) has more than a thousand "
        "trained image models, and this app uses its names: weights trained here load into it. "
        "[Hugging Face](https://huggingface.co/models?pipeline_tag=image-classification) hosts them, and many "
        "others."
    )
    lesson.try_it(
        "Open a run that you have trained. Its Download menu has the weights in timm's format, and a training script "
        "that needs nothing but PyTorch.",
        "runs",
        "Open your runs",
        ":material/table_rows:",
        {},
    )


def question(config: ModelConfig) -> tuple[str, list[str], int, str]:
    """How much larger a famous model is."""
    times = cost.num_parameters(FAMOUS["ViT-B/16"]) / cost.num_parameters(config)
    options = [f"{_round(times / 30):,.0f} times", f"{_round(times):,.0f} times", f"{_round(times * 30):,.0f} times"]
    base, own = (text.compact(cost.num_parameters(model)) for model in (FAMOUS["ViT-B/16"], config))
    because = f"It has {base} parameters, and this model {own}. Nearly all of them are in the blocks."
    return (
        "The paper's base model is ViT-B/16. How many times the parameters of this model has it?",
        options,
        1,
        because,
    )


def _round(value: float) -> float:
    """Two digits; at least 1."""
    return max(1.0, float(f"{value:.2g}"))


def formula(config: ModelConfig) -> tuple[str, dict[str, Part], object]:
    """Nearly all parameters are in the blocks."""
    width, hidden = config.embed_dim, config.mlp_dim
    block = config.depth * (4 * width**2 + 2 * width * hidden)
    parts = {
        "n": Part("n", "parameters, all in all", "", f"{cost.num_parameters(config):,}", "return embedding"),
        "l": Part("L", "depth: blocks", "", f"{config.depth}", "config.depth * block"),
        "a": Part("4D^2", "attention's four matrices, each D by D", "", f"{4 * width**2:,}", "attention = "),
        "m": Part("2DM", "the MLP's two matrices, D by M", "", f"{2 * width * hidden:,}", "2 * dim * hidden"),
        "e": Part("e", "all else", "", f"{cost.num_parameters(config) - block:,}", "embedding = "),
    }
    return r"<n> = <l> \left( <a> + <m> \right) + <e>", parts, cost.num_parameters


def _sizes(reader: Reader, answered: bool) -> None:
    """Parameters against computing, with the model among the famous ones once the question is answered."""
    import plotly.graph_objects as go  # slow to import

    models = {**FAMOUS, **({f"{reader.answer.model} (yours)": reader.config} if answered else {})}
    figure, colors = go.Figure(), lesson.THEMES[st.context.theme.type or "light"]
    for name, config in models.items():
        x, y = cost.num_parameters(config), cost.forward_flops(config)
        symbol, color = ("circle", colors[0]) if name in FAMOUS else ("star", colors[1])
        figure.add_scatter(
            x=[x],
            y=[y],
            text=[literal(name)],
            mode="markers+text",
            textposition="top center",
            cliponaxis=False,
            marker={"size": 14, "symbol": symbol, "color": color},
            hovertemplate=f"{text.compact(x)} parameters<br>{text.compact(y)} operations per image<extra></extra>",
        )
    figure.update_layout(
        height=380,
        showlegend=False,
        margin={"t": 30, "r": 60, "b": 50, "l": 60},
        xaxis={"type": "log", "title": "parameters", "dtick": 1, "range": [5, 9]},
        yaxis={"type": "log", "title": "operations per image", "dtick": 1},
    )
    st.plotly_chart(figure, key=KEY, config={"displayModeBar": False})
    st.caption(
        "Both axes are logarithmic: each line is ten times as much. Computed by the same formulas as the form's."
    )
