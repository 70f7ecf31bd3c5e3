#!/usr/bin/env python3
"""Creates pods in dry runs and reads what the API server says of the time that its policies took; prints a mean for each kind
of pod. Fails where the largest pod comes near CEL's budget, which shows as an error of the policy."""
import json
import re
import subprocess
import sys

# Of the admission plugin as a whole, all policies together; those that find nothing are in it too.
METRIC = re.compile(r'^apiserver_admission_controller_admission_duration_seconds_(sum|count)\{([^}]*)\} (\S+)$', re.M)


def kubectl(*arguments, text=None):
    return subprocess.run(["kubectl", *arguments], input=text, capture_output=True, text=True, timeout=120)


def totals():
    text = kubectl("get", "--raw", "/metrics").stdout
    sums = {"sum": 0.0, "count": 0.0}
    for what, labels, value in METRIC.findall(text):
        if 'name="ValidatingAdmissionPolicy"' in labels and 'operation="CREATE"' in labels:
            sums[what] += float(value)
    return sums


def pods(annotations, count=20):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "cost-", "namespace": "demo", "annotations": annotations},
           "spec": {"containers": [{"name": "app", "image": "x"}]}}
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod] * count})


def measured(name, annotations):
    before = totals()
    ran = kubectl("create", "--dry-run=server", "-f", "-", text=pods(annotations))
    after = totals()
    count = after["count"] - before["count"]
    mean = (after["sum"] - before["sum"]) / count * 1e3 if count else 0.0
    problem = "budget" in ran.stderr or "cost limit" in ran.stderr
    print(f"{name:44}{int(count):6} pods{mean:10.3f} ms each{'   OVER BUDGET' if problem else ''}")
    return not problem


def main():
    good = measured("no annotation", {})
    good &= measured("200 annotations of others", {f"example.com/key-{i}": "value" for i in range(200)})
    good &= measured("three settings", {"plimsoll.dev/class": "batch", "plimsoll.dev/memory.high": "1Gi", "plimsoll.dev/pids.max": "9"})
    many = {f"c{i}.plimsoll.dev/memory.high": "1Gi" for i in range(200)}
    good &= measured("200 settings of containers it does not have", many)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
