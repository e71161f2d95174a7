"""The model card (Mitchell et al., "Model cards for model reporting", FAT* 2019), rendered from model.json."""

from __future__ import annotations

from collections.abc import Iterable

from vesalius.models.spec import Decision, LabelPlausibility, ModelSpec, NetworkSpec, WholeGrid


def render(spec: ModelSpec) -> str:
    """The card as Markdown text."""
    sections = [
        (f"# {spec.name} {spec.version}", [spec.summary]),
        ("## What it is for", _bullets(spec.uses)),
        ("## What it is not for, and cannot do", _bullets(spec.limits)),
        ("## Input and output", _bullets(_data_flow(spec))),
        ("## Warnings", _bullets(_warnings(spec))),
        ("## Measured scores", _scores(spec)),
        ("## Where it comes from", _bullets(_origin(spec))),
    ]
    blocks = [block for title, lines in sections if lines for block in (title, "\n".join(lines))]
    return "\n\n".join(blocks) + "\n"


def _bullets(items: Iterable[str]) -> list[str]:
    return [f"- {item}" for item in items]


def _data_flow(spec: ModelSpec) -> list[str]:
    networks = [("Network", spec.network)]
    if spec.locator is not None:
        networks.insert(0, ("Locator", spec.locator.network))
    labels = ", ".join(f"{value} {label.name}" for value, label in sorted(spec.labels.items()))
    kind = "Classes" if spec.task == "classify" else "Labels"
    return [
        f"Task: {spec.task}",
        f"Modality: {', '.join(spec.modality) or 'any'}",
        f"Channels: {', '.join(spec.channels)}; axes turned to {spec.orientation} first",
        *(f"{title}: {_network(network)}" for title, network in networks),
        f"{kind}: {labels}",
        *([] if spec.decision is None else [f"Decision: {decision_words(spec.decision)}"]),
        *(
            []
            if spec.post.threshold is None
            else [f"Decision: a label from the probability {spec.post.threshold:g} on"]
        ),
    ]


def decision_words(decision: Decision) -> str:
    """How a classifier's scores become probabilities and an answer, as a phrase."""
    probabilities = f"probabilities are the softmax of the scores divided by the temperature {decision.temperature:g}"
    if decision.label is None:
        return f"{probabilities}; the answer is the most probable class"
    return f"{probabilities}; the answer is {decision.label} from a probability of {decision.threshold:g} on"


def _network(network: NetworkSpec) -> str:
    grid = network.grid
    if isinstance(grid, WholeGrid):
        seen = f"sees its region at once, sampled to {_times(grid.size)} voxels ({grid.interpolation})"
    else:
        spacing = f"{_times(grid.spacing)} mm" if grid.spacing else "the scan's own spacing"
        seen = f"sees overlapping tiles of {_times(grid.patch)} voxels at {spacing}"
    name = f"{network.net or 'a graph'}{', 2D' if network.planar else ''}"
    return f"{name}, {seen}; intensity rule: {network.intensity.rule}; sha256 `{network.sha256}`"


def _times(values: Iterable[float]) -> str:
    return "×".join(f"{value:g}" for value in values)


def _warnings(spec: ModelSpec) -> list[str]:
    warnings = [f"{name}: {', '.join(_rules(rules))}" for name, rules in spec.plausibility.items()]
    if spec.familiarity is not None:
        known = spec.familiarity
        warnings.append(
            f"a scan whose reconstruction error exceeds {known.limit:g}, which 99 % of {known.cases} scans held out of "
            f"training do not (median {known.usual:g})"
        )
    return warnings


def _rules(rules: LabelPlausibility) -> list[str]:
    parts = []
    if rules.volume_ml is not None:
        low, high = rules.volume_ml
        parts.append(
            f"a volume outside {low:g} to {high:g} ml" + (f" ({rules.volume_basis})" if rules.volume_basis else "")
        )
    if rules.components is not None:
        parts.append(f"more than {rules.components} connected part(s)")
    if rules.reference_shape is not None:
        parts.append("a shape that fits the reference better when it is turned")
    if rules.contrast is not None:
        parts.append(f"an appearance unlike {rules.contrast}")
    return parts


def _scores(spec: ModelSpec) -> list[str]:
    if not spec.scores:
        return []
    rows = [f"| {score.metric} | {score.value:g} | {score.on} | {_code(score.command)} |" for score in spec.scores]
    return ["| Metric | Value | Measured on | Command |", "|---|---|---|---|", *rows]


def _code(command: str) -> str:
    return f"`{command}`" if command else ""


def _origin(spec: ModelSpec) -> list[str]:
    origin = spec.origin
    rows = {
        "Weights": origin.source,
        "Training data": origin.data,
        "Split": origin.split,
        "Seed": "" if origin.seed is None else str(origin.seed),
        "Paper": origin.citation,
        "Licence": origin.licence,
        "Copyright": origin.copyright,
    }
    return [f"{key}: {value}" for key, value in rows.items() if value]
