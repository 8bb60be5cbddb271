"""What the runs show, in sentences: accuracies, times, and what was reached when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.analysis.comparison import chance_in_words, p_text
from engine.analysis.evidence import Evidence, Measured, Pair
from engine.analysis.grammar import interval, listed, points, share_text, times
from engine.common.text import accuracy, duration, known, whole

_LEAST_SECONDS = 0.5
"""Less is written as 0:00."""


def compare_accuracies(evidence: Evidence) -> list[str]:
    """Say which contender is the most accurate."""
    best, *rest = evidence.contenders
    behind = [other for other in rest if accuracy(other.accuracy) != accuracy(best.accuracy)]
    return [
        _best_sentence(best, rest),
        *([_behind_sentence(best, behind)] if behind else []),
        *_chances(evidence.pairs),
        *_like_for_like(evidence),
        *_other_recipes(evidence),
    ]


def _best_sentence(best: Measured, rest: Sequence[Measured]) -> str:
    reached = accuracy(best.accuracy)
    images = best.row.get("test_images")
    on = f" on {whole(images)} test images" if images else " on the test images"
    if not rest:
        return (
            f"Only one model has been tested: {best.name} reached a test accuracy of "
            f"{reached}{_interval(best)}{on}."
        )
    equal = [other.name for other in rest if accuracy(other.accuracy) == reached]
    if equal:
        return f"{listed([best.name, *equal])} share the highest test accuracy, {reached}{on}."
    recipe = "" if best.name == best.label else f", with the {best.row['recipe']} recipe"
    return (
        f"{best.name} achieved the highest test accuracy, {reached}{_interval(best)}{on}{recipe}."
    )


def _interval(run: Measured) -> str:
    text = interval(run.row)
    return f" (95 % interval {text})" if text else ""


def _behind_sentence(best: Measured, behind: Sequence[Measured]) -> str:
    def gap(run: Measured) -> str:
        return points(best.accuracy - run.accuracy)

    first, *later = behind
    sentence = (
        f"{first.name} followed with {accuracy(first.accuracy)}{_interval(first)}, "
        f"{gap(first)} percentage points behind"
    )
    if later:
        parts = [
            f"{it.name} with {accuracy(it.accuracy)} ({gap(it)} points behind)" for it in later
        ]
        sentence += f"; then {listed(parts)}"
    return sentence + "."


def _chances(pairs: Sequence[Pair]) -> Iterator[str]:
    """Say what the tests against the most accurate run found, the first one in full."""
    tested = [(pair.other.name, pair.test) for pair in pairs if pair.test is not None]
    if tested:
        (name, test), *later = tested
        yield chance_in_words(test, pairs[0].best.name, name)
        for name, test in later:
            verdict = "a" if test.is_significant else "not a"
            counts = f"{whole(test.only_a)} and {whole(test.only_b)}"
            yield (
                f"Against {name} the counts are {counts}, {verdict} significant difference "
                f"({p_text(test.p_value)})."
            )
    untested = [pair.other.name for pair in pairs if pair.test is None]
    if untested:
        yield (
            f"The difference from {listed(untested)} cannot be tested for significance: "
            "predictions for the same test images are not on record."
        )


def _like_for_like(evidence: Evidence) -> Iterator[str]:
    """Compare runs of one recipe, where the contenders are of several."""
    if len({run.row["recipe"] for run in evidence.contenders}) < 2:
        return
    by_recipe: dict[str, list[Measured]] = {}
    for run in evidence.measured:
        by_recipe.setdefault(run.row["recipe"], []).append(run)
    for recipe, runs in by_recipe.items():
        if len({run.row["model"] for run in runs}) > 1:
            runs.sort(key=lambda run: -run.accuracy)
            first, *later = runs
            parts = [f"{first.row['model']} reached {_reached(first, ' of training')}"]
            parts += [f"{run.row['model']} {_reached(run)}" for run in later]
            yield f"With the {recipe} recipe, {listed(parts)}."


def _other_recipes(evidence: Evidence) -> list[str]:
    """Name the recipes of a model that are not its best and in no comparison of a recipe."""
    of_contenders = {run.row["recipe"] for run in evidence.contenders}
    alone = [
        run
        for run in evidence.others
        if len(of_contenders) < 2
        or not any(
            other.row["recipe"] == run.row["recipe"] and other.row["model"] != run.row["model"]
            for other in evidence.measured
        )
    ]
    return [
        f"With the {run.row['recipe']} recipe, {run.row['model']} reached "
        f"{_reached(run, ' of training')}."
        for run in alone
    ]


def _reached(run: Measured, unit: str = "") -> str:
    seconds = run.train_seconds
    after = "" if seconds is None else f" after {duration(seconds)}{unit}"
    return accuracy(run.accuracy) + after


def compare_speeds(evidence: Evidence) -> list[str]:
    """Say which contender trained faster, and to which accuracy."""
    runs = evidence.timed
    if not runs:
        return ["No completed run recorded its training time, so none can be called faster."]
    return [
        _fastest_sentence(runs, evidence),
        *_faster_recipe(runs[0], evidence),
        *_wall(runs),
        *_to_accuracy([run for run in evidence.measured if run.is_timed]),
        *_throughput(runs),
        *_extraction(runs),
        *_largest_parts(runs),
    ]


def _fastest_sentence(runs: Sequence[Measured], evidence: Evidence) -> str:
    first, *later = runs
    if not later:
        took = _with_unit(first.train_seconds or 0.0)
        if len(evidence.contenders) == 1:
            return f"Only one model has been tested: {first.name} trained for {took}."
        return f"Only {first.name} has a completed run with a recorded time: {took}."
    least = first.train_seconds or 0.0
    parts = []
    for run in later:
        seconds = run.train_seconds or 0.0
        parts.append(f"{duration(seconds)} for {run.name}{_ratio(seconds, least)}")
    verb = "trained faster" if len(runs) == 2 else "trained fastest"
    also = ""
    if first is evidence.best and (evidence.has_leader or len(evidence.contenders) > 2):
        most = "more accurate" if len(evidence.contenders) == 2 else "most accurate"
        also = f" It was also {'the' if evidence.has_leader else 'one of the'} {most}."
    left_out = len(evidence.contenders) - len(runs)
    among = "Among the completed runs with a recorded time, " if left_out else ""
    took = _with_unit(least)
    return f"{among}{first.name} {verb}: {took}, against {listed(parts)}.{also}"


def _with_unit(seconds: float) -> str:
    return f"{duration(seconds)} ({'h:min:s' if round(seconds) >= 3600 else 'min:s'})"


def _ratio(seconds: float, least: float) -> str:
    if least <= 0 or not known(seconds / least):
        return ""
    ratio = times(seconds / least)
    return " (almost the same)" if ratio == times(1) else f" ({ratio} times as long)"


def _wall(runs: Sequence[Measured]) -> Iterator[str]:
    timed = [run for run in runs if known(run.row["wall_seconds"])]
    if timed:
        first, *later = [(run.name, duration(run.row["wall_seconds"])) for run in timed]
        parts = [f"{first[0]} took {first[1]}", *(f"{name} {took}" for name, took in later)]
        yield (
            "These times cover extraction, tracing, training and validation. From start to end, "
            f"including loading, the final test and the export, {listed(parts)}."
        )


def _to_accuracy(runs: Sequence[Measured]) -> Iterator[str]:
    for key, goal in (("to_85", "0.85"), ("to_80", "0.80")):
        reached = [run for run in runs if known(run.row.get(key))]
        if not reached:
            continue
        reached.sort(key=lambda run: run.row[key])
        never = [run.label for run in runs if run not in reached and run.row["curve"]]
        first, *later = [(run.label, f"after {duration(run.row[key])}") for run in reached]
        parts = [f"{first[0]} reached a validation accuracy of {goal} {first[1]}"]
        parts += [f"{label} {after}" for label, after in later]
        yield listed(parts) + (f"; {listed(never)} never did." if never else ".")
        return


def _throughput(runs: Sequence[Measured]) -> Iterator[str]:
    paced = [run for run in runs if known(run.row["images_per_second"])]
    if paced:
        first, *later = [(run.name, whole(run.row["images_per_second"])) for run in paced]
        parts = [f"{first[0]} processed {first[1]} images per second"]
        parts += [f"{label} {pace}" for label, pace in later]
        yield f"In the training steps alone, {listed(parts)}."


def _extraction(runs: Sequence[Measured]) -> Iterator[str]:
    extracted: list[str] = []
    read: list[str] = []
    for run in runs:
        seconds = run.row.get("extracting_seconds")
        share = share_text(seconds, run.train_seconds)
        if share is not None and known(seconds) and seconds >= _LEAST_SECONDS:
            words = f"{share} of the training time of {run.name} ({duration(seconds)})"
            (read if run.read_features else extracted).append(words)
    if extracted:
        yield (
            "Extracting the features of the frozen layers, a single pass over the images, took "
            f"{listed(extracted)}."
        )
    if read:
        yield (
            f"Reading the features of the frozen layers took {listed(read)}, as an earlier run on "
            "this machine had extracted them."
        )


_PHASES = {
    "extracting_seconds": "",
    "tracing_seconds": "tracing",
    "training_seconds": "the training steps",
    "validating_seconds": "validation",
}
"""The parts of a training time, and their names; the first depends on the run."""


def _largest_parts(runs: Sequence[Measured]) -> Iterator[str]:
    """Say what took longest in the runs that keep features, to save a part of the steps."""
    parts = []
    for run in runs:
        spent = {key: run.row.get(key) or 0.0 for key in _PHASES}
        key = max(spent, key=lambda key: spent[key])
        if any(run.frontiers) and spent[key] >= _LEAST_SECONDS:
            first = "reading the features" if run.read_features else "extraction"
            name = _PHASES[key] or first
            parts.append(f"into {name} for {run.name} ({duration(spent[key])})")
    if parts:
        yield f"The largest part of the training time went {listed(parts)}."


def _faster_recipe(first: Measured, evidence: Evidence) -> Iterator[str]:
    seconds = first.train_seconds or 0.0
    faster = [
        run
        for run in evidence.others
        if run.row["status"] == "completed" and (run.train_seconds or seconds) < seconds
    ]
    if not faster:
        return
    run = min(faster, key=lambda run: run.train_seconds or 0.0)
    is_ahead = run.accuracy > first.accuracy and first.row["model"] != run.row["model"]
    still = f", and more accurate than {first.name}" if is_ahead else ""
    yield (
        f"{run.label} was faster still{still}: it reached a test accuracy of "
        f"{accuracy(run.accuracy)} in {duration(run.train_seconds)}. It is not compared above, "
        "where the most accurate run of each model stands for it."
    )
