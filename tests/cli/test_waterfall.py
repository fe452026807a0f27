"""The waterfall of one run: bars, facts, verdicts; what a target sent cannot draw anything else."""

from __future__ import annotations

from support.drawing import drawn, paper

from checks.core.result import Expectation, Failure, Outcome, Result
from prober.cli.screen import took
from prober.cli.waterfall import waterfall
from prober.hub.moments import ago


def result(outcome: Outcome = Outcome.PASS, phases: dict[str, int] | None = None, **more: object) -> Result:
    """Return a result of these phases."""
    phases = {"connect": 10_000, "wait": 30_000} if phases is None else phases
    return Result(outcome=outcome, started_us=0, duration_us=sum(phases.values()), phases_us=phases, **more)


def lines_of(shown: Result, width: int = 80, encoding: str = "utf-8") -> list[str]:
    """Return the waterfall of a run."""
    return drawn(waterfall("web", "http", shown, paper(encoding=encoding)), width)


def test_a_bar_begins_where_the_one_before_ends() -> None:
    connect, wait = (line for line in lines_of(result()) if "█" in line)
    assert (connect.count("█"), wait.count("█")) == (9, 27)
    assert wait.index("█") == connect.rindex("█") + 1
    assert connect.split()[-4:] == ["+0.00", "ms", "10.0", "ms"]
    assert wait.split()[-4:] == ["+10.0", "ms", "30.0", "ms"]


def test_a_phase_too_short_for_a_column_is_a_point_and_the_total_is_the_sum() -> None:
    lines = lines_of(result(phases={"connect": 1, "wait": 5_000_000, "transfer": 0}))
    assert [line.split()[1] for line in lines if "▏" in line] == ["▏", "▏"]
    assert lines[-1].split() == ["total", "5.00", "s"]


def test_a_phase_that_was_not_reached_is_not_drawn() -> None:
    text = "\n".join(lines_of(result(Outcome.FAIL, {"connect": 7})))
    assert "connect" in text
    assert "wait" not in text


def test_a_run_that_reached_no_phase_shows_why() -> None:
    failure = Failure("agent_descriptors", "no file descriptor left")
    lines = lines_of(result(Outcome.VOID, {}, failures=(failure,)))
    assert lines[0].split() == ["web", "http", "VOID", "0.00", "ms"]
    assert lines[1:] == ["  agent_descriptors  no file descriptor left"]


def test_each_expectation_has_its_verdict_and_code_and_is_said_once() -> None:
    expectations = (Expectation("status", "2xx", "503", False), Expectation("body", '"ok"', '"ok"', True))
    failures = (
        Failure("http_status", "status: expected 2xx, got 503"),
        Failure("connection_closed", "it was closed early"),
    )
    lines = lines_of(result(Outcome.FAIL, failures=failures, expectations=expectations))
    assert lines[-3:] == [
        "  ✗  status: expected 2xx, got 503  http_status",
        '  ✓  body: expected "ok", got "ok"',
        "  connection_closed  it was closed early",
    ]


def test_nested_facts_are_flat_and_lists_are_joined() -> None:
    facts = {"certificate": {"subject": "CN=a", "sans": ["a", "b"]}, "cut": True, "none": None}
    lines = [line.split(maxsplit=1) for line in lines_of(result(facts=facts))]
    pairs = [["certificate.subject", "CN=a"], ["certificate.sans", "a, b"], ["cut", "yes"], ["none", "none"]]
    assert [line for line in lines if line in pairs] == pairs


def test_a_list_of_mappings_has_a_line_for_each_and_instants_are_dates() -> None:
    facts = {
        "chain": [{"subject": "CN=a", "not_after": 86_400}, {"days": 3}],
        "expires": 0,
        "registered": 10**20,
    }
    lines = [line.split(maxsplit=1) for line in lines_of(result(facts=facts))]
    pairs = [
        ["chain.0", "subject CN=a, not_after 1970-01-02 00:00:00 UTC"],
        ["chain.1", "days 3"],
        ["expires", "1970-01-01 00:00:00 UTC"],
        ["registered", str(10**20)],
    ]
    assert [line for line in lines if line in pairs] == pairs


def test_after_redirects_the_bars_say_that_they_are_sums() -> None:
    assert "sums of 3 requests" in lines_of(result(facts={"redirects": 2}))[1]
    assert "sums" not in "".join(lines_of(result(facts={"redirects": 0})))


def test_what_a_target_sent_moves_no_cursor_and_is_no_markup() -> None:
    text = "\n".join(lines_of(result(facts={"server": "\x1b[2J[bold red]x[/]\r\n\x9b"})))
    assert "\\x1b[2J[bold red]x[/]\\r\\n\\x9b" in text
    assert "\x1b" not in text


def test_long_values_fold_within_the_width() -> None:
    expectations = (Expectation("body", '"' + "x" * 300 + '"', '"' + "y" * 300 + '"', False),)
    lines = lines_of(result(Outcome.FAIL, expectations=expectations, facts={"url": "z" * 500}))
    assert max(map(len, lines)) <= 80
    assert sum(line.count("z") for line in lines) == 400


def test_an_encoding_without_the_signs_gets_others() -> None:
    lines = lines_of(result(expectations=(Expectation("status", "2xx", "200", True),)), encoding="ascii")
    assert "\n".join(lines).isascii()
    assert "  +  status: expected 2xx, got 200" in lines


def test_durations_keep_three_digits_on_both_sides_of_each_border() -> None:
    known = {0: "0.00 ms", 9_994: "9.99 ms", 9_995: "10.0 ms", 999_949: "999.9 ms", 999_950: "1.00 s"}
    assert {duration_us: took(duration_us) for duration_us in known} == known


def test_ages_change_unit_at_twice_the_unit() -> None:
    known = {-5: "0s", 119_999_999: "119s", 120_000_000: "2m", 7_199_000_000: "119m", 7_200_000_000: "2h"}
    known |= {172_799_000_000: "47h", 172_800_000_000: "2d"}
    assert {duration_us: ago(duration_us) for duration_us in known} == known


def steps(*names: str, url: str | None = "http://shop.example/api/login?user=...") -> list[dict[str, object]]:
    """Return the steps of a flow as its facts have them: 40 ms each."""
    phases_us = {"connect": 10_000, "wait": 30_000}
    step = {
        "url": url,
        "status": 200,
        "redirects": 0,
        "outcome": "pass",
        "duration_us": 40_000,
        "phases_us": phases_us,
    }
    return [{"name": name, **step} for name in names]


def flow(seen: list[dict[str, object]], **more: object) -> Result:
    """Return the result of a flow with these steps."""
    phases = {"connect": 10_000 * len(seen), "wait": 30_000 * len(seen)}
    return result(phases=phases, facts={"status": 200, "redirects": 2, "steps": seen}, **more)


def test_each_step_has_a_heading_and_its_phases_below_it() -> None:
    lines = lines_of(flow(steps("login", "cart")))
    login, cart = ([line for line in lines if line.strip().startswith(name)] for name in ("login", "cart"))
    assert login[0].split() == ["login", "200", "/api/login?user=...", "+0.00", "ms", "40.0", "ms"]
    assert cart[0].split() == ["cart", "200", "/api/login?user=...", "+40.0", "ms", "40.0", "ms"]
    bars = [line for line in lines if "█" in line]
    assert [line[:13].rstrip() for line in bars] == ["    connect", "    wait"] * 2
    assert [line.split()[-4] for line in bars] == ["+0.00", "+10.0", "+40.0", "+50.0"]
    assert [(line.index("█"), line.count("█")) for line in bars] == [(13, 4), (17, 14), (31, 4), (35, 14)]
    assert ["total", "80.0", "ms"] in [line.split() for line in lines]


def test_steps_are_no_facts_beside_and_redirects_of_one_are_no_sum_of_all() -> None:
    text = "\n".join(lines_of(flow([*steps("a"), {**steps("b")[0], "redirects": 2}])))
    assert "steps" not in text
    assert "sums" not in text
    assert "200 (3 requests) /api/login?user=..." in text


def test_a_step_that_asked_for_nothing_has_a_heading_too() -> None:
    (step,) = steps("cart", url=None)
    del step["status"]
    lines = lines_of(flow([{**step, "outcome": "fail", "phases_us": {}, "duration_us": 0}]))
    assert ["cart", "+0.00", "ms", "0.00", "ms"] in [line.split() for line in lines]


def test_long_names_and_urls_of_steps_are_cut_to_the_width() -> None:
    seen = steps("n" * 60, "b", url="http://shop.example/" + "u" * 300)
    slow = [{**step, "phases_us": {"authorize": 599_000_000}, "duration_us": 599_000_000} for step in seen]
    for encoding, more in (("utf-8", "…"), ("ascii", "...")):
        lines = lines_of(
            result(phases={"authorize": 1_198_000_000}, facts={"steps": slow}), encoding=encoding
        )
        assert max(map(len, lines)) <= 80
        head = next(line for line in lines if "nnn" in line)
        assert head.split()[0] == "n" * (18 - len(more)) + more
        assert head.split()[-4:] == ["+0.00", "ms", "599.00", "s"]
        assert head.count("u") == 36 - len("200 /") - len(more)


def test_a_fact_that_is_called_steps_but_holds_none_is_a_fact() -> None:
    assert "  steps  3, 4" in lines_of(result(facts={"steps": [3, 4]}))
