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
CLEARLY_LESS = 0.8
"""Share of the ratio of FLOPs, below which a training time counts as far less than that ratio."""

Described = tuple[Measured, Architecture]


def architecture_facts(evidence: Evidence) -> list[str]:
    """Say what the contenders are made of, and which part of each was trained."""
    described = evidence.described
    if not described:
        return ["No run here recorded the layers of its model, so there is nothing to count."]
    return [
        *(_network(run, network) for run, network in described),
        *_published(described),
        *(sentence for run, _ in described for sentence in _trained_part(run)),
    ]


def explain_accuracy(evidence: Evidence) -> Iterator[str]:
    """Say what an accuracy means and what it does not."""
    has_interval = evidence.best is not None and known(evidence.best.row.get("accuracy_low"))
    if has_interval and evidence.has_leader:
        yield (
            "The interval says only how far another sample of test images could have moved the "
            "figure; another seed would have moved it as well."
        )
    if any(pair.test is not None and not pair.test.is_significant for pair in evidence.pairs):
        yield (
            "Where the test finds no difference beyond chance, the order of the two should not be "
            "read as one model being better."
        )


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
            f"The frozen layers of {listed(kept)} give the same output in every epoch. They are "
            "computed once and kept, and a step passes only through what lies behind them: epochs "
            "of the head alone are nearly free, and the time goes into that single pass and into "
            "fine-tuning."
        )
    whole_nets = [run.name for run, _ in described if run.row["model"] in FROM_SCRATCH]
    if kept and whole_nets:
        compute = agreeing(whole_nets, "computes", "compute")
        yield f"{compute} every layer in every step, forwards and backwards."
    yield from _pace(described)
    depthwise = [run.name for run, network in described if network.depthwise]
    if depthwise and len(described) > 1:
        yield (
            f"The depthwise convolutions of {listed(depthwise)} save multiplications but fetch "
            "much memory for each, so they cost more time than the count of operations suggests."
        )


def explain_difference(evidence: Evidence) -> list[str]:
    """Explain why the most accurate contender may be ahead of the others."""
    if len(evidence.contenders) == 1:
        return [
            "With a single model there is no difference to explain; train a second one to compare "
            "it with."
        ]
    described = evidence.described
    if len(described) < 2 or described[0][0] is not evidence.best:
        return ["Too few of the networks are on record to explain the difference by them."]
    best, network = described[0]
    if not evidence.has_leader:
        return [
            "The highest accuracies are equal, so there is no lead for the networks to explain."
        ]
    rest = described[1:]
    one_model = len({run.row["model"] for run, _ in described}) == 1
    shared = "All of these runs share one architecture, so the recipe has to explain it."
    return [
        *([shared] if one_model else []),
        *_pretraining(best, rest),
        *_adapted(best, rest),
        *_resolution(described),
        *_size(described),
        *_blocks(best, network, rest),
        "These runs change several things at once, so none of these reasons is shown to be the "
        "cause; that would take runs which differ in one of them only.",
    ]


def _network(run: Measured, network: Architecture) -> str:
    sentence = (
        f"{run.name} has {count(network.parameters)} parameters, is {whole(network.depth)} layers "
        f"deep and needs {count(network.flops)} FLOPs for one image of "
        f"{whole(network.image_size)} px"
    )
    parts = _parts(network)
    return f"{sentence}; it is built with {listed(parts)}." if parts else f"{sentence}."


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
        yield f"The pretrained weights of {model} have a published ImageNet top-1 of {figure}."
    elif found:
        parts = listed([f"{figure} for {model}" for model, figure in found.items()])
        yield f"On ImageNet the pretrained weights have a published top-1 of {parts}."


def _trained_part(run: Measured) -> list[str]:
    trained, parameters = run.row["trainable_parameters"], run.row["parameters"]
    share = share_text(trained, parameters)
    if share is None:
        return []
    if trained == parameters and not any(run.frontiers):
        return [f"All {count(parameters)} parameters of {run.name} were trained ({share})."]
    sentence = (
        f"In the last stage of {run.name} {count(trained)} of its {count(parameters)} parameters "
        f"were trained ({share})"
    )
    names = list(dict.fromkeys(name for name in run.frontiers if name))
    if names:
        first, *later = names
        sentence += f"; everything before `{first}`"
        sentence += "".join(f", later everything before `{name}`," for name in later[-1:])
        sentence += " was computed once and kept"
    return [sentence + "."]


def _arithmetic(described: Sequence[Described], least_of_all: int) -> str:
    cheapest, least = min(described, key=lambda entry: entry[1].flops)
    dearest, most = max(described, key=lambda entry: entry[1].flops)
    if least.flops == most.flops:
        return "One image costs all of them the same arithmetic, so it does not explain the times."
    times_most, times_least = dearest.train_seconds or 0.0, cheapest.train_seconds or 0.0
    if 0 < least.flops == least_of_all:
        ratio = times(most.flops / least.flops)
        sentence = f"One image costs {dearest.name} {ratio} times the arithmetic of {cheapest.name}"
    else:
        figures = f"{count(most.flops)} FLOPs, {cheapest.name} {count(least.flops)}"
        sentence = f"One image costs {dearest.name} {figures}"
    took = f"{duration(times_most)} against {duration(times_least)}"
    if times_most <= times_least:
        return f"{sentence}, yet it did not train for longer ({took}): FLOPs alone do not tell."
    if times_most * least.flops < CLEARLY_LESS * times_least * most.flops:
        return f"{sentence}, but the training took far less than that much longer ({took})."
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
                f"So {run.name} passed more images a second through its steps than "
                f"{listed(slower)}, although it is the one with more arithmetic an image."
            )
            return


def _pretraining(best: Measured, rest: Sequence[Described]) -> Iterator[str]:
    scratch = [run.name for run, _ in rest if not run.is_pretrained]
    if best.knows_imagenet and scratch:
        yield (
            f"{best.name} began with filters learned on ImageNet's photographs, {listed(scratch)} "
            "with random ones. Edges, textures and parts of objects are of use for these images "
            "as well, and they need not be learned again from far fewer and smaller ones; this is "
            "probably the largest part of the difference."
        )
    pretrained = [run.name for run, _ in rest if run.knows_imagenet]
    if not best.is_pretrained and pretrained:
        yield (
            f"{best.name} learned all of its filters from these images, and was still ahead of "
            f"{listed(pretrained)}. Filters that ImageNet's larger photographs have shaped need "
            "not fit small images, and while they stay frozen they cannot adapt."
        )


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
            "filters could adapt from photographs to these small images."
        )


def _trainable_share(run: Measured) -> float | None:
    trained, parameters = run.row["trainable_parameters"], run.row["parameters"]
    return trained / parameters if known(trained) and known(parameters) and parameters else None


def _resolution(described: Sequence[Described]) -> Iterator[str]:
    best, network = described[0]
    smaller = [run.name for run, other in described[1:] if other.image_size < network.image_size]
    larger = [run.name for run, other in described[1:] if other.image_size > network.image_size]
    if smaller:
        yield (
            f"{best.name} sees the images enlarged to {whole(network.image_size)} px, more than "
            f"{listed(smaller)}. That adds no detail, but objects come nearer to the size that "
            "pretrained filters expect, and small ones keep more positions in the deep feature "
            "maps; the arithmetic grows with the square of the size."
        )
    elif larger:
        yield (
            f"{listed(larger)} had a larger input than {best.name} and did not gain by it, so the "
            "input size is not what put it ahead."
        )


def _size(described: Sequence[Described]) -> Iterator[str]:
    best, network = described[0]
    larger = [run.name for run, other in described[1:] if other.parameters > network.parameters]
    deeper = [run.name for run, other in described[1:] if other.depth > network.depth]
    if larger:
        yield (
            f"More parameters did not mean more accuracy: {agreeing(larger, 'has', 'have')} "
            f"more of them than {best.name}."
        )
    elif all(other.parameters < network.parameters for _, other in described[1:]):
        yield (
            f"{best.name} is also the {'larger' if len(described) == 2 else 'largest'} network; "
            "with more parameters it can tell finer differences apart, as long as they are trained "
            "on enough images."
        )
    if deeper:
        start = "Nor did depth alone" if larger else "Depth alone did not"
        yield f"{start} decide it, since {agreeing(deeper, 'is', 'are')} deeper."


def _blocks(best: Measured, network: Architecture, rest: Sequence[Described]) -> Iterator[str]:
    without = [run.name for run, other in rest if not other.additions]
    if network.additions and without:
        yield (
            f"The residual additions of {best.name}, which {agreeing(without, 'lacks', 'lack')}, "
            "give the gradient a short way through many layers; that is what lets a deep network "
            "be trained at all."
        )
    flatter = [run.name for run, other in rest if not other.depthwise]
    if network.depthwise and flatter:
        yield (
            f"With depthwise convolutions {best.name} spends its parameters on the pointwise "
            f"ones that mix channels, where {agreeing(flatter, 'uses', 'use')} full convolutions "
            "for everything: it can afford more layers and channels for the same arithmetic."
        )
    if network.squeeze_excite and any(not other.squeeze_excite for _, other in rest):
        yield "Its squeeze-and-excitation blocks let the whole image decide which channels count."
