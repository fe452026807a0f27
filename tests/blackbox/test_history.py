"""What the history of `/probe` keeps, and what it finds."""

from __future__ import annotations

from prober.blackbox.history import MAX_TEXT, Run, RunHistory


def run_of(text: str, success: bool = True, target: str = "t", module: str = "m", at_us: int = 0) -> Run:
    return Run(module=module, target=target, success=success, at_us=at_us, text=text)


def fill(history: RunHistory, outcomes: str, target: str = "t", module: str = "m") -> None:
    for at, sign in enumerate(outcomes):
        history.add(run_of(f"{sign}{at}", sign == "+", target, module, at))


def numbers(history: RunHistory) -> list[int]:
    return [run.number for run in history]


def test_the_last_runs_are_kept_newest_first() -> None:
    history = RunHistory(3)
    fill(history, "+++")
    assert numbers(history) == [3, 2, 1]
    fill(history, "+")
    assert numbers(history) == [4, 3, 2]


def test_failures_that_fall_out_are_kept_up_to_the_limit() -> None:
    history = RunHistory(2)
    fill(history, "-+-+--++")
    assert numbers(history) == [8, 7, 6, 5]
    fill(history, "-")
    assert numbers(history) == [9, 8, 6, 5]


def test_a_run_is_found_by_its_number() -> None:
    history = RunHistory(2)
    fill(history, "-++")
    assert history.by_number(1) is not None
    assert history.by_number(3).text == "+2"
    assert history.by_number(4) is None


def test_the_newest_run_of_a_target_is_found_not_the_oldest_failure() -> None:
    history = RunHistory(2)
    fill(history, "--+", target="a")
    assert history.newest("a").number == 3
    assert history.newest("b") is None


def test_a_run_is_found_by_target_and_module() -> None:
    history = RunHistory(5)
    fill(history, "+", module="one")
    fill(history, "+", module="two")
    assert history.newest("t", "one").number == 1
    assert history.newest("t").number == 2
    assert history.newest("t", "three") is None


def test_a_run_that_fell_out_as_a_pass_is_gone() -> None:
    history = RunHistory(1)
    fill(history, "++")
    assert history.by_number(1) is None


def test_texts_are_bounded() -> None:
    history = RunHistory(1)
    kept = history.add(run_of("x" * MAX_TEXT))
    cut = history.add(run_of("x" * (MAX_TEXT + 1)))
    assert (len(kept.text), cut.text.endswith("... cut\n")) == (MAX_TEXT, True)
