"""What the runs show, in sentences: accuracies, times, and what was reached when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.analysis.comparison import chance_in_words, p_text
from engine.analysis.evidence import Evidence, Measured, Pair
from engine.analysis.grammar import interval, listed, points, share_text, times
from engine.common.text import accuracy, duration, known, whole


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
            f"Only one model has been measured: {best.name} reached a test accuracy of "
            f"{reached}{_interval(best)}{on}."
        )
    equal = [other.name for other in rest if accuracy(other.accuracy) == reached]
    if equal:
        return f"{listed([best.name, *equal])} share the highest test accuracy, {reached}{on}."
    recipe = "" if best.name == best.label else f", trained by the {best.row['recipe']} recipe"
    return (
        f"{best.name} achieved the highest test accuracy: {reached}{_interval(best)}{on}{recipe}."
    )


def _interval(run: Measured) -> str:
    text = interval(run.row)
    return f" (95 % interval {text})" if text else ""


def _behind_sentence(best: Measured, behind: Sequence[Measured]) -> str:
    def gap(run: Measured) -> str:
        return points(best.accuracy - run.accuracy)

    first, *later = behind
    sentence = (
        f"{first.name} came next with {accuracy(first.accuracy)}{_interval(first)}, "
        f"{gap(first)} percentage points behind"
    )
    if later:
        parts = [f"{run.name} with {accuracy(run.accuracy)} ({gap(run)} behind)" for run in later]
        sentence += f"; then {listed(parts)}"
    return sentence + "."


def _chances(pairs: Sequence[Pair]) -> Iterator[str]:
    """Say what the tests against the most accurate run found, the first one in full."""
    tested = [(pair.other.name, pair.test) for pair in pairs if pair.test is not None]
    if tested:
        (name, test), *later = tested
        yield chance_in_words(test, pairs[0].best.name, name)
        for name, test in later:
            verdict = "more than chance" if test.is_significant else "possibly chance"
            counts = f"{whole(test.only_a)} to {whole(test.only_b)}"
            yield f"Against {name} it is {counts}, {verdict} ({p_text(test.p_value)})."
    untested = [pair.other.name for pair in pairs if pair.test is None]
    if untested:
        yield (
            f"Whether the difference from {listed(untested)} is more than chance cannot be "
            "tested, as predictions for the same test images are not on record."
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
            first, *later = [(r.row["model"], accuracy(r.accuracy) + _trained_in(r)) for r in runs]
            parts = [f"{first[0]} came to {first[1]}", *(f"{m} to {text}" for m, text in later)]
            yield f"By the recipe called {recipe}, {listed(parts)}."


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
        f"By the {run.row['recipe']} recipe {run.row['model']} came to {accuracy(run.accuracy)}"
        f"{_trained_in(run)}."
        for run in alone
    ]


def _trained_in(run: Measured) -> str:
    seconds = run.train_seconds
    return "" if seconds is None else f" after {duration(seconds)} of training"


def compare_speeds(evidence: Evidence) -> list[str]:
    """Say which contender trained faster, and to which accuracy."""
    runs = evidence.timed
    if not runs:
        return ["No completed run has its training time on record, so none can be called faster."]
    return [
        _fastest_sentence(runs, evidence),
        *_faster_recipe(runs[0], evidence),
        *_wall(runs),
        *_to_accuracy([run for run in evidence.measured if run.is_timed]),
        *_throughput(runs),
        *_extraction(runs),
    ]


def _fastest_sentence(runs: Sequence[Measured], evidence: Evidence) -> str:
    first, *later = runs
    if not later:
        alone = "" if len(evidence.contenders) == 1 else "the only completed and timed one, "
        return f"{first.name}, {alone}trained for {duration(first.train_seconds)}."
    least = first.train_seconds or 0.0
    parts = []
    for run in later:
        seconds = run.train_seconds or 0.0
        parts.append(f"{duration(seconds)} for {run.name}{_ratio(seconds, least)}")
    verb = " trained faster" if len(runs) == 2 else " trained fastest"
    if first is evidence.best:
        quickest = "faster" if len(runs) == 2 else "fastest"
        most = "the most accurate one" if evidence.has_leader else "one of the most accurate"
        verb = f", {most}, was also the {quickest} to train"
    left_out = len(evidence.contenders) - len(runs)
    among = "Among the runs that were completed and timed, " if left_out else ""
    return f"{among}{first.name}{verb}: {duration(least)} (min:s), against {listed(parts)}."


def _ratio(seconds: float, least: float) -> str:
    if least <= 0 or not known(seconds / least):
        return ""
    ratio = times(seconds / least)
    return " (hardly longer)" if ratio == times(1) else f" ({ratio} times as long)"


def _wall(runs: Sequence[Measured]) -> Iterator[str]:
    parts = [
        f"{duration(run.row['wall_seconds'])} for {run.name}"
        for run in runs
        if known(run.row["wall_seconds"])
    ]
    if parts:
        yield (
            "These times hold extraction, tracing, training and validation; from start to end, "
            f"with loading, the final test and the export, it was {listed(parts)}."
        )


def _to_accuracy(runs: Sequence[Measured]) -> Iterator[str]:
    for key, goal in (("to_85", "85 %"), ("to_80", "80 %")):
        reached = [run for run in runs if known(run.row.get(key))]
        if not reached:
            continue
        reached.sort(key=lambda run: run.row[key])
        never = [run.label for run in runs if run not in reached and run.row["curve"]]
        parts = [f"{run.label} after {duration(run.row[key])}" for run in reached]
        sentence = f"A validation accuracy of {goal} was reached by {listed(parts)}"
        yield sentence + (f", and never by {listed(never, 'or')}." if never else ".")
        return


def _throughput(runs: Sequence[Measured]) -> Iterator[str]:
    paced = [run for run in runs if known(run.row["images_per_second"])]
    if paced:
        first, *later = [(run.name, whole(run.row["images_per_second"])) for run in paced]
        parts = [f"{first[0]} passed {first[1]} training images a second"]
        parts += [f"{label} {pace}" for label, pace in later]
        yield f"Through the training steps alone {listed(parts)}."


def _extraction(runs: Sequence[Measured]) -> Iterator[str]:
    parts = []
    for run in runs:
        seconds = run.row.get("extracting_seconds")
        share = share_text(seconds, run.train_seconds)
        if share is not None and known(seconds) and seconds >= 0.5:
            parts.append(f"{share} of the training time of {run.name} ({duration(seconds)})")
    if parts:
        yield f"The single pass that computes the frozen layers' features took {listed(parts)}."


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
        f"{run.label} was faster still{still}: {duration(run.train_seconds)} for a test accuracy "
        f"of {accuracy(run.accuracy)}. It is passed over above only because another recipe made "
        "its model more accurate."
    )
