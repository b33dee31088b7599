"""Turn a finished run into a shipped model: weights alone in half precision, curve and card.

python -m bench.ship RUN NAME
python -m bench.ship RUN NAME --teacher WORDS
"""

import argparse
import json
import shutil
from dataclasses import replace

import torch

from bench import machine
from vit import checkpoint, models, paths
from vit.runs.directory import Run
from vit.runs.metrics import read_metrics
from vit.runs.plan import Plan, read_plan
from vit.runs.status import read_status

TEACHER = "teacher"  # among what a model says of its data
FRAMES = 10  # of the series; more would make the project a large download
CARD = """# {name}

{kind} trained from scratch on {data} with ViT Lab, shipped so that images can be tried without training.

| | |
|---|---|
| input | {size} px, patch {patch}, {tokens} tokens |
| network | width {dim}, {depth} blocks, {heads} heads, pool {pool}, stem {stem} |
| parameters | {parameters:,} |
| classes | {classes} |
| data | {data}: {num_train:,} images to train, {num_val:,} to validate, {num_test:,} to test |
| recipe | {optimizer}, learning rate {lr:g}, batch {batch}, {epochs:.1f} epochs, {schedule} schedule, seed {seed} |
| targets | {targets} |
| hardware | {hardware}, {minutes:.0f} minutes of training |
| val accuracy | {val:.2%} |
| test accuracy | {test:.2%} (test was looked at once, after the choice on val) |
| test loss | {loss:.3f} |

The images are the JPEG copy of CIFAR-10 (Krizhevsky 2009), which differs a little from the original pixels. The
model knows ten classes and nothing else: whatever it is shown, it answers with one of them. Photographs in which the
object is small or off-center are far from what it was trained on.

`model.safetensors` has the weights in half precision, `config.json` the whole configuration, `metrics.json` the curve,
`checkpoints/series` how the model came about: {frames} moments of its training.
"""


KINDS = {
    "patch": "A plain Vision Transformer,",
    "conv": "A Vision Transformer behind a stem of three convolutions,",
    "resnet": "A Vision Transformer behind a small ResNet of five convolutions,",
    "resnet-deep": "A Vision Transformer behind a small ResNet of six convolutions,",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("name")
    parser.add_argument("--teacher", help="what bench.taught had it learn from, in words")
    args = parser.parse_args()
    ship(Run.find(args.run), args.name, args.teacher)


def ship(run: Run, name: str, teacher: str | None = None) -> None:
    """Write ``checkpoints/pretrained/NAME``."""
    folder = paths.pretrained_root() / name
    folder.mkdir(parents=True, exist_ok=True)
    tensors, info = checkpoint.load(run.checkpoint_path("best"))
    info = replace(info, data=info.data | {TEACHER: teacher}) if teacher else info
    weights = {f"model.{key}": halved(tensor) for key, tensor in checkpoint.model_weights(tensors).items()}
    checkpoint.save(folder / models.SHIPPED_FILE, weights, info)
    (folder / "config.json").write_text(json.dumps(info.run.to_json(), indent=1) + "\n")
    (folder / "metrics.json").write_text(
        json.dumps([row for row in read_metrics(run) if "val_loss" in row], indent=0) + "\n"
    )
    parameters = sum(tensor.numel() for tensor in weights.values())
    (folder / "README.md").write_text(card(run, name, info, parameters, teacher))
    ship_series(run, Run(folder))
    print(folder)


def halved(tensor: torch.Tensor) -> torch.Tensor:
    """Matrices and kernels as float16, which rounds to three digits; the few other numbers stay as they are."""
    return tensor.half() if tensor.ndim > 1 else tensor


def ship_series(run: Run, shipped: Run) -> None:
    """Take along how the model came about: some of the run's small checkpoints, first and last included."""
    series = run.series()
    chosen = [series[round(place * (len(series) - 1) / (FRAMES - 1))] for place in range(FRAMES)]
    shutil.rmtree(shipped.series_path, ignore_errors=True)
    shipped.series_path.mkdir(parents=True)
    for saved in {saved.step: saved for saved in chosen}.values():
        shutil.copy(run.checkpoints_path / saved.file, shipped.checkpoints_path / saved.file)


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'es' if what.endswith('s') else 's'}" if number != 1 else f"1 {what}"


def card(run: Run, name: str, info: models.ModelInfo, parameters: int, teacher: str | None) -> str:
    """The model card, from what the run recorded."""
    plan, status, config = read_plan(run), read_status(run), info.run
    return CARD.format(
        name=name,
        kind=KINDS[info.model.stem],
        data="CIFAR-10 (JPEG copy)",
        size=info.model.image_size,
        patch=info.model.patch_size,
        tokens=info.model.num_tokens,
        dim=info.model.embed_dim,
        depth=info.model.depth,
        heads=info.model.num_heads,
        pool=info.model.pool,
        stem=info.model.stem,
        parameters=parameters,
        classes=", ".join(info.classes),
        num_train=plan.num_train,
        num_val=plan.num_val,
        num_test=plan.num_test,
        optimizer={"muon": "Muon with AdamW", "adamw": "AdamW", "sgd": "SGD"}[config.train.optimizer],
        lr=config.train.lr,
        batch=config.train.batch_size,
        epochs=plan.total_epochs,
        schedule=config.train.schedule,
        seed=config.train.seed,
        targets=f"half the labels, half what {teacher} says of the same image" if teacher else "the labels",
        hardware=hardware(plan),
        minutes=status.seconds / 60,
        val=info.metrics["val_accuracy"],
        test=status.test.accuracy,
        loss=status.test.loss,
        frames=min(FRAMES, len(run.series())),
    )


def hardware(plan: Plan) -> str:
    """What the run was trained on; of a CPU, that of this machine."""
    if plan.device != "cpu":
        return plan.device_name
    return f"{machine.processor()} (CPU), {counted(plan.processes, 'process')} of {counted(plan.threads, 'thread')}"


if __name__ == "__main__":
    main()
