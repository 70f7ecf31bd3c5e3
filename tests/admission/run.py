#!/usr/bin/env python3
"""Applies the table cases.yaml to a running API server whose policy is installed, and compares the warnings.

  run.py CASES EXAMPLES       EXAMPLES: KEY<tab>VALUE a line, each of which must give no warning

Needs kubectl with KUBECONFIG set. Exit code 1: a case differs."""
import re
import subprocess
import sys

import yaml

PREFIX = re.compile(r"Warning: Validation failed for ValidatingAdmissionPolicy '[^']*' with binding '[^']*': ")


def kubectl(*arguments, text=None):
    return subprocess.run(["kubectl", *arguments], input=text, capture_output=True, text=True, timeout=60)


def pod_spec(containers, host_network=False, host_ipc=False):
    return {"hostNetwork": host_network, "hostIPC": host_ipc, "restartPolicy": "Always", "containers": containers}


def containers_of(case):
    made = []
    for name, limit in case.get("containers", {"app": None}).items():
        container = {"name": name, "image": "example.test/x:1"}
        if limit:
            container["resources"] = {"limits": {"memory": limit}}
        made.append(container)
    return made


def template(case):
    spec = pod_spec(containers_of(case), case.get("hostNetwork", False), case.get("hostIPC", False))
    if case.get("initContainers"):
        spec["initContainers"] = [{"name": name, "image": "example.test/x:1"} for name in case["initContainers"]]
    return {"metadata": {"labels": {"app": "x"}, "annotations": case.get("annotations", {})}, "spec": spec}


def manifest(case):
    kind = case.get("kind", "Pod")
    pod = template(case)
    head = {"metadata": {"name": "case", "namespace": case.get("namespace", "demo")}}
    selector = {"matchLabels": {"app": "x"}}
    if kind == "Pod":
        pod["metadata"].update(head["metadata"])
        return {"apiVersion": "v1", "kind": "Pod", **pod}
    if kind in ("Job", "CronJob"):
        pod["spec"]["restartPolicy"] = "Never"
        job = {"template": pod}
        spec = job if kind == "Job" else {"schedule": "* * * * *", "jobTemplate": {"spec": job}}
        return {"apiVersion": "batch/v1", "kind": kind, **head, "spec": spec}
    spec = {"selector": selector, "template": pod}
    if kind == "StatefulSet":
        spec["serviceName"] = "x"
    return {"apiVersion": "apps/v1", "kind": kind, **head, "spec": spec}


def warnings_of(stderr):
    return [PREFIX.sub("", line) for line in stderr.splitlines() if line.startswith("Warning: Validation failed")]


def tried(case):
    # A server-side dry run goes through admission and leaves nothing.
    return kubectl("create", "--dry-run=server", "-f", "-", text=yaml.safe_dump(manifest(case)))


def differs(case):
    """What is wrong with the case's outcome; empty: nothing."""
    ran = tried(case)
    denied = case.get("denied")
    if denied:
        if ran.returncode == 0 or denied not in ran.stderr:
            return f"expected a denial with {denied!r}, got exit code {ran.returncode}: {ran.stderr}"
        return ""
    if ran.returncode != 0:
        return "refused: " + ran.stderr
    found, wanted = warnings_of(ran.stderr), case.get("warnings", [])
    for text in wanted:
        # The order of annotations is not fixed: "A && B" must both stand in one warning.
        if not any(all(part in warning for part in text.split(" && ")) for warning in found):
            return f"no warning with {text!r}; there are: {found}"
    if len(found) != len(wanted):
        return f"expected {len(wanted)} warnings, found: {found}"
    return ""


def example_cases(path):
    examples = [line.rstrip("\n").split("\t", 1) for line in open(path, encoding="utf-8") if "\t" in line]
    assert len(examples) > 50, "the list of examples is too short to be true"
    for start in range(0, len(examples), 20):
        annotations = {f"plimsoll.dev/{key}": value for key, value in examples[start:start + 20]}
        yield {"name": f"examples from {examples[start][0]}", "annotations": annotations}


def main():
    cases_path, examples_path = sys.argv[1:3]
    cases = yaml.safe_load(open(cases_path, encoding="utf-8"))
    cases += list(example_cases(examples_path))
    failed = 0
    for case in cases:
        problem = differs(case)
        print(f"{'FAILED' if problem else 'ok':8}{case['name']}{': ' + problem if problem else ''}")
        failed += bool(problem)
    print(f"{len(cases) - failed} of {len(cases)} cases as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
