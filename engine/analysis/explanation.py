"""What may explain a difference: facts of the architectures, and their usual effects.

What is counted in a network or recorded of a run is a fact; why it helped is an explanation that
no run here proves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.analysis.architecture import FROM_SCRATCH, Architecture
from engine.analysis.evidence import Evidence, Measured
from engine.analysis.grammar import agreeing, listed, share_text, times
from engine.common.text import accuracy, count, duration, known, whole

TOP1_DECIMALS = 3
"""Of a published accuracy."""
FEW_IMAGES = 10_000
"""Training images below which their number is part of the explanation."""
CLEARLY_LESS = 0.8
"""Share of the ratio of FLOPs, below which a training time counts as far less than that ratio."""

Described = tuple[Measured, Architecture]


def architecture_facts(evidence: Evidence) -> list[str]:
    """Say what the contenders are made of, and which part of each was trained."""
    described = evidence.described
    if not described:
        return ["No run recorded the layers of its model, so the architectures are unknown."]
    return [
        *_contrast(evidence),
        *(_network(run, network) for run, network in described),
        *_published(described),
        *(sentence for run, _ in described for sentence in _trained_part(run)),
    ]


def explain_accuracy(evidence: Evidence) -> Iterator[str]:
    """Name the main reason, and say what an accuracy means and what it does not."""
    reason = _main_reason(evidence)
    if reason:
        yield f"{reason} The third question says more."
    has_interval = evidence.best is not None and known(evidence.best.row.get("accuracy_low"))
    if has_interval and evidence.has_leader:
        yield (
            "The interval covers only the choice of test images; another seed would change the "
            "accuracy as well."
        )
    if any(pair.is_open for pair in evidence.pairs):
        yield (
            "Where a difference is not statistically significant, neither model can be called "
            "better."
        )


def _main_reason(evidence: Evidence) -> str:
    """Return the strongest reason of the third question in one sentence; empty if none is known.

    A run whose difference from the best one is not significant needs no reason.
    """
    described = evidence.described
    if len(described) < 2 or described[0][0] is not evidence.best or not evidence.has_leader:
        return ""
    equal = [pair.other.label for pair in evidence.pairs if pair.is_open]
    behind = [entry for entry in described[1:] if entry[0].label not in equal]
    if not behind:
        return ""
    if len({run.row["model"] for run, _ in described}) == 1:
        return "These runs share one architecture, so the recipe is probably the main reason."
    best = described[0][0]
    return (
        _by_pretraining(best, [run for run, _ in behind])
        or next(_adapted(best, behind), "")
        or _by_more(described[0], behind)
    )


def _by_pretraining(best: Measured, behind: Sequence[Measured]) -> str:
    scratch = [run for run in behind if not run.is_pretrained]
    if best.knows_imagenet and scratch:
        return (
            f"Pretraining is probably the main reason: {best.name} started from filters learned on "
            f"ImageNet, {listed([run.name for run in scratch])} from random ones on "
            f"{_images_learned_from(scratch)}."
        )
    pretrained = [run.name for run in behind if run.knows_imagenet]
    if not best.is_pretrained and pretrained:
        return (
            f"{best.name} learned all of its filters from the images here, which may suit them "
            f"better than those that {listed(pretrained)} learned on ImageNet."
        )
    return ""


def _by_more(first: Described, behind: Sequence[Described]) -> str:
    best, network = first
    if all(network.image_size > other.image_size for _, other in behind):
        return f"The larger input of {best.name} may be the main reason."
    if all(network.parameters > other.parameters for _, other in behind):
        return f"The larger size of {best.name}, in parameters, may be the main reason."
    return ""


def _images_learned_from(runs: Sequence[Measured]) -> str:
    """Return `only 900 training images`, or where they are many or not the same, no number."""
    few = [_images_text(run) for run in runs if _has_few(run)]
    return f"only {few[0]} training images" if len(set(few)) == 1 else "the images here alone"


def explain_speed(evidence: Evidence) -> Iterator[str]:
    """Explain the times."""
    described = [
        (run, network) for run in evidence.timed if (network := run.architecture) is not None
    ]
    if len(described) > 1:
        yield _arithmetic(described, min(network.flops for _, network in evidence.described))
    kept = [run.name for run, _ in described if any(run.frontiers)]
    if kept:
        yield (
            f"The frozen layers of {listed(kept)} give the same output in every epoch, so they "
            "are computed once and their features are kept. Each step then runs only the layers "
            "after them: epochs that train the head alone are nearly free."
        )
    whole_nets = [run.name for run, _ in described if run.row["model"] in FROM_SCRATCH]
    if kept and whole_nets:
        run_all = agreeing(whole_nets, "runs", "run")
        yield f"{run_all} every layer in every step, forward and backward."
    yield from _pace(described)
    depthwise = [run.name for run, network in described if network.depthwise]
    if depthwise and len(described) > 1:
        yield (
            f"The depthwise convolutions of {listed(depthwise)} need few multiplications but "
            "much memory traffic, so they take more time than their FLOPs suggest."
        )


def explain_difference(evidence: Evidence) -> list[str]:
    """Explain why the most accurate contender may be ahead of the others."""
    if len(evidence.contenders) == 1:
        return [
            "There is only one model, so there is no difference to explain. Train a second one to "
            "compare it with."
        ]
    described = evidence.described
    if len(described) < 2 or described[0][0] is not evidence.best:
        return ["The layers of too few models are on record to explain the difference."]
    best, network = described[0]
    if not evidence.has_leader:
        return ["The highest accuracies are equal, so there is no difference to explain."]
    rest = described[1:]
    return [
        *_pretraining(best, rest),
        *_adapted(best, rest),
        *_resolution(described),
        *_size(described),
        *_blocks(best, network, rest),
        "These runs differ in several things at once, so none of these reasons is proven. Proof "
        "needs runs that differ in only one of them.",
    ]


def _contrast(evidence: Evidence) -> Iterator[str]:
    """Say in what the most accurate network differs from the next one: the question's answer."""
    described = evidence.described
    if len(described) < 2 or described[0][0] is not evidence.best or not evidence.has_leader:
        return
    (best, network), (next_best, other) = described[:2]
    if len({run.row["model"] for run, _ in described}) == 1:
        yield "All of these runs share one architecture, so the recipe must explain the difference."
        return
    figures = (
        ("depth", whole(network.depth), " layers", whole(other.depth)),
        ("size", count(network.parameters), " parameters", count(other.parameters)),
        ("input", whole(network.image_size), " px", f"{whole(other.image_size)} px"),
        ("starting weights", _start(best), "", _start(next_best)),
    )
    parts = [
        f"{what} ({its}{unit} against {others})"
        for what, its, unit, others in figures
        if its != others.removesuffix(unit)
    ]
    if parts:
        second = next_best.name if len(described) == 2 else f"the next one, {next_best.name},"
        yield f"{best.name}, the most accurate model, differs from {second} in {listed(parts)}."


def _start(run: Measured) -> str:
    if not run.is_pretrained:
        return "random"
    return "ImageNet" if run.knows_imagenet else "a file"


def _network(run: Measured, network: Architecture) -> str:
    sentence = (
        f"{run.name} has {count(network.parameters)} parameters, is {whole(network.depth)} layers "
        f"deep and needs {count(network.flops)} FLOPs per image of {whole(network.image_size)} px."
    )
    parts = _parts(network)
    return f"{sentence} It contains {listed(parts)}." if parts else sentence


def _parts(network: Architecture) -> list[str]:
    counts = (
        (network.convolutions, "convolution"),
        (network.batch_normalizations, "BatchNormalization layer"),
        (network.additions, "residual addition"),
        (network.concatenations, "concatenation"),
        (network.squeeze_excite, "squeeze-and-excitation block"),
    )
    parts = [f"{whole(n)} {noun}{'' if n == 1 else 's'}" for n, noun in counts if n]
    share = share_text(network.depthwise, network.convolutions)
    if network.depthwise and share is not None:
        parts[0] += f" ({whole(network.depthwise)} of them depthwise, {share})"
    return parts


def _published(described: Sequence[Described]) -> Iterator[str]:
    found = {
        run.row["model"]: accuracy(network.imagenet_top1, TOP1_DECIMALS)
        for run, network in described
        if known(network.imagenet_top1) and run.knows_imagenet
    }
    if len(found) == 1:
        ((model, figure),) = found.items()
        yield (
            f"The pretrained weights of {model} have a published ImageNet top-1 accuracy of "
            f"{figure}."
        )
    elif found:
        parts = listed([f"{figure} for {model}" for model, figure in found.items()])
        yield f"The pretrained weights have a published ImageNet top-1 accuracy of {parts}."


def _trained_part(run: Measured) -> list[str]:
    trained, parameters = run.row["trainable_parameters"], run.row["parameters"]
    share = share_text(trained, parameters)
    if share is None:
        return []
    if trained == parameters and not any(run.frontiers):
        return [f"All {count(parameters)} parameters of {run.name} were trained ({share})."]
    sentence = (
        f"The last stage of {run.name} trained {count(trained)} of its {count(parameters)} "
        f"parameters ({share})."
    )
    names = list(dict.fromkeys(name for name in run.frontiers if name))
    if names:
        first, *later = names
        sentence += f" The features of all layers before `{first}`"
        sentence += "".join(f", and later before `{name}`," for name in later[-1:])
        sentence += " were computed once and kept."
    return [sentence]


def _arithmetic(described: Sequence[Described], least_of_all: int) -> str:
    cheapest, least = min(described, key=lambda entry: entry[1].flops)
    dearest, most = max(described, key=lambda entry: entry[1].flops)
    if least.flops == most.flops:
        return "All models need the same FLOPs per image, so FLOPs do not explain the times."
    times_most, times_least = dearest.train_seconds or 0.0, cheapest.train_seconds or 0.0
    if 0 < least.flops == least_of_all:
        ratio = times(most.flops / least.flops)
        sentence = f"{dearest.name} needs {ratio} times the FLOPs of {cheapest.name} per image"
    else:
        figures = f"{count(most.flops)} FLOPs per image, {cheapest.name} {count(least.flops)}"
        sentence = f"{dearest.name} needs {figures}"
    took = f"{duration(times_most)} against {duration(times_least)}"
    if times_most <= times_least:
        return (
            f"{sentence}, but did not train longer ({took}): FLOPs alone do not determine the time."
        )
    if times_most * least.flops < CLEARLY_LESS * times_least * most.flops:
        return f"{sentence}, but its training time grew by a much smaller factor ({took})."
    return f"{sentence}, and its training took longer as well ({took})."


def _pace(described: Sequence[Described]) -> Iterator[str]:
    """Say that a network passes more images a second than one of less arithmetic, and why."""
    paced = [(run, network) for run, network in described if known(run.row["images_per_second"])]
    for run, network in paced:
        slower = [
            other.name
            for other, its in paced
            if its.flops < network.flops
            and other.row["images_per_second"] < run.row["images_per_second"]
        ]
        if slower and any(run.frontiers):
            yield (
                f"This is why {run.name} processed more images per second than {listed(slower)}, "
                "although it needs more FLOPs per image."
            )
            return


def _pretraining(best: Measured, rest: Sequence[Described]) -> Iterator[str]:
    scratch = [run for run, _ in rest if not run.is_pretrained]
    if best.knows_imagenet and scratch:
        yield (
            f"Pretraining is probably the main reason. {best.name} started from weights trained on "
            "ImageNet, more than a million photographs: its filters already detect edges, textures "
            "and parts of objects, and these features are useful for the images here as well."
        )
        few = any(map(_has_few, scratch))
        more = " The fewer the training images, the more pretraining helps." if few else ""
        names = listed([run.name for run in scratch])
        yield (
            f"{names} had no such start: from random weights, every filter had to be "
            f"learned from {_images_learned_from(scratch)}.{more}"
        )
    pretrained = [run.name for run, _ in rest if run.knows_imagenet]
    if not best.is_pretrained and pretrained:
        yield (
            f"{best.name} learned all of its filters from the images here and was still more "
            f"accurate than {listed(pretrained)}. Filters learned on ImageNet's larger photographs "
            "may not suit these images, and frozen filters cannot adapt."
        )


def _has_few(run: Measured) -> bool:
    return run.train_images is not None and run.train_images < FEW_IMAGES


def _images_text(run: Measured) -> str:
    return whole(run.train_images)


def _adapted(best: Measured, rest: Sequence[Described]) -> Iterator[str]:
    mine = _trainable_share(best)
    less = [
        run.name
        for run, _ in rest
        if run.is_pretrained and mine is not None and (_trainable_share(run) or mine) < mine
    ]
    if best.is_pretrained and less:
        yield (
            f"A larger share of {best.name} was trained than of {listed(less)}, so more of its "
            "filters could adapt to these images."
        )


def _trainable_share(run: Measured) -> float | None:
    trained, parameters = run.row["trainable_parameters"], run.row["parameters"]
    return trained / parameters if known(trained) and known(parameters) and parameters else None


def _resolution(described: Sequence[Described]) -> Iterator[str]:
    best, network = described[0]
    smaller = [
        f"{whole(other.image_size)} px for {run.name}"
        for run, other in described[1:]
        if other.image_size < network.image_size
    ]
    larger = [run.name for run, other in described[1:] if other.image_size > network.image_size]
    if smaller:
        yield (
            f"{best.name} has a larger input: {whole(network.image_size)} px, against "
            f"{listed(smaller)}. Enlarging a small image adds no detail, but its objects come "
            "closer to the size that pretrained filters expect, and the deep feature maps keep "
            "more positions. The cost grows with the square of the size."
        )
    elif larger:
        yield (
            f"{listed(larger)} had a larger input than {best.name} but did not benefit from it, so "
            "the input size does not explain the difference."
        )


def _size(described: Sequence[Described]) -> Iterator[str]:
    best, network = described[0]
    larger = [run.name for run, other in described[1:] if other.parameters > network.parameters]
    deeper = [run.name for run, other in described[1:] if other.depth > network.depth]
    if larger:
        yield (
            f"More parameters did not mean higher accuracy: {agreeing(larger, 'has', 'have')} "
            f"more than {best.name}."
        )
    elif all(other.parameters < network.parameters for _, other in described[1:]):
        yield (
            f"{best.name} is also the {'larger' if len(described) == 2 else 'largest'} network. "
            "More parameters can represent finer differences, if there are enough images to train "
            "them."
        )
    if deeper:
        start = "Nor does depth" if larger else "Depth alone does not"
        yield f"{start} explain the difference: {agreeing(deeper, 'is', 'are')} deeper."


def _blocks(best: Measured, network: Architecture, rest: Sequence[Described]) -> Iterator[str]:
    without = [run.name for run, other in rest if not other.additions]
    if network.additions and without:
        yield (
            f"The residual additions of {best.name}, which {agreeing(without, 'lacks', 'lack')}, "
            "give the gradient a short path through many layers, which makes a deep network "
            "trainable."
        )
    flatter = [run.name for run, other in rest if not other.depthwise]
    if network.depthwise and flatter:
        yield (
            f"{best.name} uses depthwise convolutions where {agreeing(flatter, 'uses', 'use')} "
            "full ones, so it can afford more layers and channels for the same cost."
        )
    if network.squeeze_excite and any(not other.squeeze_excite for _, other in rest):
        yield "Its squeeze-and-excitation blocks weight each channel by the whole image."
