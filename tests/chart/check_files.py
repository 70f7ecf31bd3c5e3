#!/usr/bin/env python3
"""What of the chart can be checked without helm; a ctest. check_files.py ROOT

- every metric in the alerts and the dashboard is one that the agent has, with that label (docs/metrics.md, which a test keeps
  equal to the agent's table), and every alert has its section in docs/install.md
- every value has a description and stands in the schema, and the schema names no other; README.md is made from both
- the plain manifests were rendered from this chart; the chart's versions are the project's"""
import json
import os
import re
import subprocess
import sys

import yaml

problems = []


def expect(good, text):
    if not good:
        problems.append(text)


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def families(root):
    """Name: (type, labels)."""
    found = {}
    for line in read(root, "docs/metrics.md").splitlines():
        row = re.match(r"\| `([a-z_]+)` \| (\w+) \| ([^|]*)\|", line)
        if row:
            labels = re.sub(r"`: [^;|]*", "`", row.group(3)).replace("`", " ")
            found[row.group(1)] = (row.group(2), set(re.findall(r"[a-z_]+", labels)))
    return found


SERIES = re.compile(r"\b((?:plimsoll|process)_[a-z_]+)(?:\{([^}]*)\})?")
# Labels that come with the scrape.
OF_THE_SCRAPE = {"node", "job", "instance", "namespace", "pod", "le"}


def check_expression(where, expression, known):
    for name, selector in SERIES.findall(expression):
        base = re.sub(r"_(bucket|sum|count)$", "", name) if name not in known else name
        kind, labels = known.get(base, (None, set()))
        expect(kind is not None, f"{where}: there is no metric {name}")
        expect(name == base or kind == "histogram", f"{where}: {base} is no histogram")
        used = set(re.findall(r"([a-z_]+)\s*=~?", selector))
        expect(used <= labels | OF_THE_SCRAPE, f"{where}: {name} has no label {used - labels}")
        for grouping in re.findall(r"by \(([^)]*)\)", expression):
            asked = {each.strip() for each in grouping.split(",")}
            everywhere = set().union(*(labels_of for _, labels_of in known.values()))
            expect(asked <= everywhere | OF_THE_SCRAPE, f"{where}: no metric has {asked}")
    if re.search(r"\b(rate|increase)\(", expression):
        for name, _ in SERIES.findall(expression):
            base = re.sub(r"_(bucket|sum|count)$", "", name) if name not in known else name
            expect(known.get(base, ("",))[0] in ("counter", "histogram"), f"{where}: rate of {name}, which is no counter")


def check_metrics(root, chart):
    known = families(root)
    expect(len(known) > 40, f"docs/metrics.md was not understood: {len(known)} families")
    alerts = yaml.safe_load(read(chart, "files/alerts.yaml"))["alerts"]
    sections = re.findall(r"^#+ (\w+)$", read(root, "docs/install.md"), re.M)
    for alert in alerts:
        check_expression(alert["alert"], alert["expr"], known)
        expect(alert["severity"] in ("critical", "warning", "info"), alert["alert"])
        expect(alert["alert"] in sections, f"docs/install.md has no section {alert['alert']}")
    dashboard = json.loads(read(chart, "files/dashboard.json"))
    targets = [(p["title"], t["expr"]) for p in dashboard["panels"] for t in p.get("targets", [])]
    expect(len(targets) >= 15, "the dashboard has lost its panels")
    for title, expression in targets:
        check_expression("dashboard, " + title, expression, known)


def leaves(values, path=()):
    """Paths of values; an empty mapping and a list are leaves."""
    for key, value in values.items():
        if isinstance(value, dict) and value and not opened(path + (key,)):
            yield from leaves(value, path + (key,))
        else:
            yield path + (key,)


# Mappings that are Kubernetes' own: described as a whole.
WHOLE = {"resources", "nodeSelector", "affinity", "livenessProbe", "readinessProbe", "startupProbe", "labels", "podLabels"}


def opened(path):
    return path[-1] in WHOLE


def descriptions(text):
    """Path: what stands behind "# --" in front of it."""
    found, stack, pending = {}, [], None
    for line in text.splitlines():
        comment = re.match(r"\s*# -- (.*)", line)
        if comment:
            pending = comment.group(1)
            continue
        key = re.match(r"( *)([A-Za-z0-9]+):", line)
        if not key or line.lstrip().startswith("#"):
            continue
        depth = len(key.group(1)) // 2
        stack = stack[:depth] + [key.group(2)]
        if pending:
            found[tuple(stack)] = pending
        pending = None
    return found


def in_schema(schema, path):
    for key in path:
        if key not in schema.get("properties", {}):
            return False
        schema = schema["properties"][key]
    return True


def schema_leaves(schema, path=()):
    for key, child in schema.get("properties", {}).items():
        if child.get("properties") and not opened(path + (key,)) and "oneOf" not in child:
            yield from schema_leaves(child, path + (key,))
        else:
            yield path + (key,)


def value_at(values, path):
    for key in path:
        values = values[key]
    return values


def table(chart):
    values = yaml.safe_load(read(chart, "values.yaml"))
    described = descriptions(read(chart, "values.yaml"))
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for path in leaves(values):
        default = json.dumps(value_at(values, path)).replace("|", "\\|")
        rows.append(f"| `{'.'.join(path)}` | `{default}` | {described.get(path, '').replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


BEGIN, END = "<!-- values:begin -->\n", "<!-- values:end -->"


def readme(chart):
    text = read(chart, "README.md")
    head, rest = text.split(BEGIN)
    return head + BEGIN + table(chart) + END + rest.split(END)[1]


def check_values(chart):
    values = yaml.safe_load(read(chart, "values.yaml"))
    described = descriptions(read(chart, "values.yaml"))
    schema = json.loads(read(chart, "values.schema.json"))
    paths = set(leaves(values))
    for path in sorted(paths):
        expect(path in described, f"values.yaml: {'.'.join(path)} has no description")
        expect(in_schema(schema, path), f"values.schema.json lacks {'.'.join(path)}")
    for path in schema_leaves(schema):
        expect(path in paths or path == ("enabled",) or path[0] in ("config",) or path[-1] == "pullPolicy",
               f"values.schema.json names {'.'.join(path)}, which values.yaml does not have")
    expect(readme(chart) == read(chart, "README.md"), "the chart's README.md is not made of its values; `make charts` writes it anew")


def check_versions(root, chart):
    version = re.search(r"^project\(plimsoll VERSION ([0-9.]+)", read(root, "CMakeLists.txt"), re.M).group(1)
    meta = yaml.safe_load(read(chart, "Chart.yaml"))
    expect(meta["appVersion"] == version, f"Chart.yaml has appVersion {meta['appVersion']}, the project {version}")
    expect(f":{version}\n" in meta["annotations"]["artifacthub.io/images"], "the image in Chart.yaml's annotations")


def check_stamp(root):
    ran = subprocess.run([sys.executable, os.path.join(root, "tests/chart/stamp.py"), "--check", root], capture_output=True,
                         text=True, check=False)
    expect(ran.returncode == 0, ran.stderr.strip())


def main():
    root = sys.argv[-1]
    chart = os.path.join(root, "charts/plimsoll")
    if "--update" in sys.argv:
        text = readme(chart)
        with open(os.path.join(chart, "README.md"), "w", encoding="utf-8") as file:
            file.write(text)
        return 0
    check_metrics(root, chart)
    check_values(chart)
    check_versions(root, chart)
    check_stamp(root)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
