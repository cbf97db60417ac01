"""What is needed to repeat a study or a run: command, data, settings, versions, machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mt2st.models.settings import ModelSettings
from mt2st.study.identity import SETTINGS
from mt2st.study.report.page import Block, Code, Facts, Items, Paragraph, Section, Tabular
from mt2st.study.study import EARLIER, Study
from mt2st.study.tables import Table


def setup_section(study: Study) -> Section:
    """Return the section that says how to repeat a study."""
    shared, differing = settings_of([each.identity.get(SETTINGS, {}) for each in study.results])
    facts = [("seeds", ", ".join(map(str, study.seeds))), *((name, written(each)) for name, each in differing.items())]
    facts += machine_facts([each.versions for each in study.results], [each.machine for each in study.results])
    strategies = _strategies(study)
    tables = [Tabular(strategies, "Strategies and their settings")] * bool(strategies.rows)
    return Section("To repeat it", [*about_blocks(study.about), *tables, Facts(facts), *settings_blocks(shared)])


def about_blocks(about: Mapping[str, Any]) -> Iterator[Block]:
    """Yield the commands and the data, as far as a description has them."""
    if command := about.get("command"):
        yield from (Paragraph("The command:"), Code(str(command)))
    if earlier := about.get(EARLIER):
        yield Paragraph("Earlier ones, which may have made some of the runs:")
        yield from (Code(str(each)) for each in earlier)
    if described := about.get("data"):
        yield from (Paragraph("The data:"), Items([str(line) for line in described]))


def settings_of(settings: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings that are the same in all runs, and those that differ, with all their values; no seeds.

    Example:
        >>> settings_of([{"epochs": 2, "encoder": "cnn", "seed": 1}, {"epochs": 2, "encoder": "mean", "seed": 2}])
        ({'epochs': 2}, {'encoder': ['cnn', 'mean']})
    """
    shared, differing = {}, {}
    for name in dict.fromkeys(name for each in settings for name in each if name != "seed"):
        values = _different(each.get(name) for each in settings)
        if len(values) == 1:
            shared[name] = values[0]
        else:
            differing[name] = values
    return shared, differing


def settings_blocks(settings: Mapping[str, Any]) -> list[Block]:
    """Return settings by name: first those that differ from the defaults, then all others."""
    usual = ModelSettings().flat()
    changed = {name: value for name, value in settings.items() if name not in usual or value != usual[name]}
    blocks: list[Block] = []
    for title, part in (
        ("Settings that differ from the defaults:", changed),
        ("All other settings have their defaults:", {name: settings[name] for name in settings if name not in changed}),
    ):
        if part:
            blocks += [Paragraph(title), Facts([(name, written(value)) for name, value in part.items()])]
    return blocks


def machine_facts(
    versions: Sequence[Mapping[str, str]], machines: Sequence[Mapping[str, str | int]]
) -> list[tuple[str, str]]:
    """Return the versions and the machines of runs, all that occur."""
    facts = []
    for parts in (versions, machines):
        for name in dict.fromkeys(name for each in parts for name in each):
            values = _different(each[name] for each in parts if name in each)
            facts.append((name, "; ".join(map(str, values))))
    return facts


def strategy_text(state: Mapping[str, Any]) -> str:
    """Return the settings of a strategy in a line.

    Example:
        >>> strategy_text({"strategy": "adaptive-switch", "settings": {"unit": "epoch", "earliest": 3, "latest": None}})
        'adaptive-switch: unit epoch, earliest 3'
    """
    rest = [f"{name} {written(value)}" for name, value in state["settings"].items() if value is not None]
    return f"{state['strategy']}{': ' if rest else ''}{', '.join(rest)}"


def written(value: object) -> str:
    """Return a setting's value for reading.

    Example:
        >>> written(None), written(True), written(["context", 1.0]), written([]), written(0.0125)
        ('not given', 'yes', 'context, 1.0', 'none', '0.0125')
    """
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(written(each) for each in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {written(each)}" for name, each in value.items()) or "none"
    return str(value)


def _strategies(study: Study) -> Table:
    rows = []
    for group, of_group in study.groups.items():
        states = _different(study.result_of(each).identity.get("strategy", {}) for each in of_group.values())
        known = [strategy_text(state) for state in states if state]
        if known:
            rows.append([group.title(study.varying), "; ".join(known)])
    return Table("strategies", ["strategy", "settings"], rows)


def _different(values: Iterable[Any]) -> list[Any]:
    return list({json.dumps(value, sort_keys=True, default=str): value for value in values}.values())
