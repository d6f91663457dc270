"""Prints the figures of a load test as one Markdown table.

    table.py functions RESULTS
    table.py http RESULTS

RESULTS has one JSON object per line: `row` and `build` (or `kind`) say what was measured, the other members are
figures of one run. The median of the runs is printed, with its ratio to the first row, the floor.
"""

import json
import pathlib
import statistics
import sys


def medians(path, *keys):
    """The median of each figure, by the values of these keys, in the order of their first appearance."""
    runs = {}
    for line in pathlib.Path(path).read_text().splitlines():
        figures = json.loads(line)
        figures_of_row = runs.setdefault(tuple(figures.pop(key) for key in keys), {})
        for name, figure in figures.items():
            figures_of_row.setdefault(name, []).append(figure)
    return {row: {name: statistics.median(values) for name, values in figures.items()} for row, figures in runs.items()}


def cell(figure, digits, unit=1.0):
    return "" if figure is None else f"{figure / unit:,.{digits}f}"


def ratio(figure, floor):
    return "" if figure is None or not floor else f"{figure / floor:.2f}"


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def functions(path):
    """Lambda functions, compared with hello world."""
    rows = medians(path, "row", "build")
    floor = rows.get(("hello world", "ours"), {})
    columns = [
        ("init ms", "init_ms", 1, 1, True),
        ("init CPU ms", "init_cpu_ms", 1, 1, True),
        ("CPU ms per event", "cpu_us", 3, 1e3, True),
        ("peak MiB", "peak_kib", 1, 1024, False),
        ("zipped MB", "zipped", 2, 1e6, False),
        ("log bytes per event", "log_bytes", 0, 1, False),
        ("init, million instructions", "init_instructions", 2, 1e6, True),
        ("thousand instructions per event", "event_instructions", 1, 1e3, True),
    ]
    present = {name for figures in rows.values() for name in figures}
    columns = [column for column in columns if column[1] in present]
    heads = [""]
    for head, _, _, _, has_ratio in columns:
        heads += [head, "×"] if has_ratio else [head]
    lines = []
    for (row, build), figures in rows.items():
        line = [row if build == "ours" else f"{row} ({build})"]
        for _, name, digits, unit, has_ratio in columns:
            figure = figures.get(name)
            line.append(cell(figure, digits, unit))
            if has_ratio:
                line.append(ratio(figure, floor.get(name)))
        lines.append(line)
    return table(heads, lines)


def http(path):
    """Servers over HTTP. The ratios are to the floor with the same algorithm."""
    rows = medians(path, "row", "algorithm", "kind")
    heads = ["", "tokens/s", "CPU ms per token", "× floor", "p50 ms", "p99 ms", "× floor", "MiB after tokens"]
    heads += ["registrations/s", "CPU ms per registration", "p99 ms", "MiB after registrations", "of clients"]
    heads += ["other load, cores"]
    lines = []
    for row, algorithm in dict.fromkeys((row, algorithm) for row, algorithm, _ in rows):
        token, registration, memory = (
            rows.get((row, algorithm, kind), {}) for kind in ("token", "registration", "memory")
        )
        floor = rows.get((f"floor {algorithm}", algorithm, "token"), {})
        other = [figures["other_cores"] for figures in (token, registration) if figures]
        lines.append(
            [
                row,
                cell(token.get("rate"), 0),
                cell(token.get("cpu_ms"), 3),
                ratio(token.get("cpu_ms"), floor.get("cpu_ms")),
                cell(token.get("p50_ms"), 2),
                cell(token.get("p99_ms"), 2),
                ratio(token.get("p99_ms"), floor.get("p99_ms")),
                cell(memory.get("after_tokens_mib"), 0),
                cell(registration.get("rate"), 0),
                cell(registration.get("cpu_ms"), 3),
                cell(registration.get("p99_ms"), 2),
                cell(memory.get("after_registrations_mib"), 0),
                cell(memory.get("clients"), 0),
                cell(max(other, default=None), 2),
            ]
        )
    return table(heads, lines)


def main():
    match sys.argv[1:]:
        case ["functions", path]:
            print(functions(path))
        case ["http", path]:
            print(http(path))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
