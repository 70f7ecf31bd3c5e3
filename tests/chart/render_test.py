#!/usr/bin/env python3
"""The chart through helm. render_test.py HELM ROOT [--update]; tests/chart/run.sh is the way to call it."""
import glob
import os
import subprocess
import sys
import tempfile

import yaml

VERSIONS = ["1.27.0", "1.29.0", "1.30.0", "1.33.0", "1.35.0"]
# Values that must be refused, with a part of the reason.
REFUSED = [
    (["--set", "profiles={core,everything}"], "profiles"),
    (["--set", "imagee.tag=1"], "imagee"),
    (["--set", "nri.index=5"], "nri/index"),
    (["--set", "agent.logLevel=loud"], "logLevel"),
    (["--set", "admission.actions={Deny,Warn}"], "admission/actions"),
    (["--set", "image.digest=sha256:1"], "digest"),
    (["--set", "profiles={core,net}", "--set", "podSecurity.hostNetwork=false"], "needs the node's network"),
    (["--set", "config.network.enabled=true"], "needs profile net"),
    (["--set", "config.rules[0].name=a", "--set", "existingConfigMap=b"], "give one of them"),
    (["--set", "updateStrategy.type=OnDelete"], "OnDelete leaves no room"),
    (["--set", "config.classez.a=b", "--set", "config.kind=NodeConfig"], "config"),
    (["--set", "cri.socket=relative"], "cri/socket"),
    (["--kube-version", "1.26.0"], "1.27"),
]
NAMESPACE = """# Plimsoll without helm: rendered from charts/plimsoll with its default values by `make charts`; do not edit.
#   kubectl apply -f plimsoll.yaml
# To take it away, and put every node back to what it was before: docs/install.md, with plimsoll-uninstall.yaml.
# {stamp}
apiVersion: v1
kind: Namespace
metadata:
  name: plimsoll
  labels:
    # The agent sees the node's processes and mounts its cgroups; no pod of another kind belongs here.
    pod-security.kubernetes.io/enforce: privileged
"""
UNINSTALL = """# Puts every node back to what it was before Plimsoll: rendered from charts/plimsoll by `make charts`; do not edit.
# After the agents' DaemonSet was deleted:
#   kubectl apply -f plimsoll-uninstall.yaml
#   kubectl -n plimsoll rollout status daemonset/plimsoll-uninstall && kubectl delete namespace plimsoll
# {stamp}
"""


class Failed(Exception):
    pass


def expect(good, text):
    if not good:
        raise Failed(text)


class Chart:
    def __init__(self, helm, root):
        self.helm, self.root, self.path = helm, root, os.path.join(root, "charts/plimsoll")

    def run(self, *arguments):
        return subprocess.run([self.helm, *arguments], capture_output=True, text=True, timeout=120, check=False)

    def render(self, *arguments, version="1.35.0", release="plimsoll"):
        ran = self.run("template", release, self.path, "--namespace", "plimsoll", "--kube-version", version, *arguments)
        expect(ran.returncode == 0, ran.stderr)
        return ran.stdout

    def objects(self, *arguments, **options):
        return [each for each in yaml.safe_load_all(self.render(*arguments, **options)) if each]


def one(objects, kind, name=None):
    found = [o for o in objects if o["kind"] == kind and name in (None, o["metadata"]["name"])]
    expect(len(found) == 1, f"{len(found)} objects {kind} {name}")
    return found[0]


def agent_of(objects):
    found = [o for o in objects if o["kind"] == "DaemonSet" and "helm.sh/hook" not in o["metadata"].get("annotations", {})]
    expect(len(found) == 1, "one agent DaemonSet")
    return found[0]["spec"]["template"]["spec"]


def lints_and_renders(chart):
    files = sorted(glob.glob(os.path.join(chart.root, "tests/chart/values/*.yaml")))
    expect(len(files) >= 4, "values files")
    for values in [None, *files]:
        arguments = ["--values", values] if values else []
        ran = chart.run("lint", "--strict", chart.path, *arguments)
        expect(ran.returncode == 0, ran.stdout + ran.stderr)
        for version in VERSIONS:
            objects = chart.objects(*arguments, version=version)
            for each in objects:
                name = each["metadata"]["name"]
                expect(len(name) <= 63, f"{each['kind']} {name} is too long")
            keys = [(o["apiVersion"], o["kind"], o["metadata"]["name"]) for o in objects]
            expect(len(keys) == len(set(keys)), f"an object stands twice: {keys}")


def refuses(chart):
    for arguments, reason in REFUSED:
        version = [] if "--kube-version" in arguments else ["--kube-version", "1.35.0"]
        ran = chart.run("template", "plimsoll", chart.path, "--namespace", "plimsoll", *version, *arguments)
        expect(ran.returncode != 0, f"{arguments} was taken")
        expect(reason in ran.stderr.replace(".", "/") or reason in ran.stderr, f"{arguments}: {ran.stderr}")


def privileges_are_the_profiles(chart):
    table = yaml.safe_load(open(os.path.join(chart.path, "files/profiles.yaml"), encoding="utf-8"))["profiles"]
    for profile, row in table.items():
        pod = agent_of(chart.objects("--set", f"profiles={{{profile}}}"))
        security = pod["containers"][0]["securityContext"]
        wanted = sorted(reason["name"] for reason in row["capabilities"])
        expect(security["capabilities"] == {"drop": ["ALL"], "add": wanted}, f"{profile}: {security}")
        expect(security["readOnlyRootFilesystem"] and not security["privileged"], profile)
        expect(not security["allowPrivilegeEscalation"], profile)
        expect(f"--security-profile={profile}" in pod["containers"][0]["args"], profile)
        expect(pod.get("hostNetwork", False) == (profile == "net"), f"{profile}: hostNetwork")
        expect(pod["automountServiceAccountToken"] is False, "token")


def hooks_clean_with_the_same_means(chart):
    objects = chart.objects("--set", "profiles={core,processes,namespaces,net}")
    cleaner = one(objects, "DaemonSet", "plimsoll-uninstall")["spec"]["template"]["spec"]
    agent = agent_of(objects)
    expect(cleaner["initContainers"][0]["securityContext"] == agent["containers"][0]["securityContext"], "other privileges")
    expect(cleaner["initContainers"][0]["image"] == agent["containers"][0]["image"], "another image")
    expect(cleaner["tolerations"] == agent["tolerations"] and cleaner["affinity"] == agent["affinity"], "other nodes")
    mounted = {mount["mountPath"] for mount in cleaner["initContainers"][0]["volumeMounts"]}
    expect({"/sys/fs/cgroup", "/var/lib/plimsoll", "/sys/fs/bpf", "/host/proc"} <= mounted, str(mounted))
    hooked = [o for o in objects if o["metadata"]["name"].endswith("-uninstall")]
    expect(len(hooked) == 5, "all five objects of the hook")
    weights = {o["kind"]: int(o["metadata"]["annotations"]["helm.sh/hook-weight"]) for o in hooked}
    expect(weights["ServiceAccount"] < weights["DaemonSet"] < weights["Job"], str(weights))


def two_releases_do_not_meet(chart):
    cluster = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "SecurityContextConstraints"}
    first = {(o["kind"], o["metadata"]["name"]) for o in chart.objects(release="one")}
    second = {(o["kind"], o["metadata"]["name"]) for o in chart.objects(release="two")}
    expect(not first & second, str(first & second))
    expect(any(kind in cluster for kind, _ in first), "no policy was rendered")


def configuration_arrives(chart):
    values = os.path.join(chart.root, "tests/chart/values/")
    text = one(chart.objects("--values", values + "text-config.yaml"), "ConfigMap")["data"]["node.yaml"]
    expect("batch: null" in text and "pids.max: 4194304" in text, text)
    objects = chart.objects("--values", values + "full.yaml")
    text = one(objects, "ConfigMap", "plimsoll")["data"]["node.yaml"]
    expect(yaml.safe_load(text)["network"]["enabled"] is True, text)
    # Not with a checksum: the agent takes a change up by itself.
    expect("checksum" not in chart.render(), "a checksum would restart the agents")
    pod = agent_of(chart.objects("--values", values + "least.yaml"))
    names = [v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v]
    expect(names == ["mine"], str(names))


def checks_configurations(chart):
    """What the chart renders is what the agent takes, where an agent is at hand (PLIMSOLLD)."""
    agent = os.environ.get("PLIMSOLLD")
    if not agent:
        print("        (no agent given: PLIMSOLLD)")
        return
    for values in ["text-config.yaml", "full.yaml", None]:
        arguments = ["--values", os.path.join(chart.root, "tests/chart/values", values)] if values else []
        maps = [o for o in chart.objects(*arguments) if o["kind"] == "ConfigMap" and "node.yaml" in o.get("data", {})]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(maps[0]["data"]["node.yaml"])
            file.flush()
            ran = subprocess.run([agent, "check-config", file.name], capture_output=True, text=True, timeout=30, check=False)
            expect(ran.returncode == 0, f"{values}: {ran.stderr}")


def seccomp_and_versions(chart):
    old = chart.objects(version="1.29.0")
    new = chart.objects(version="1.33.0")
    kinds = lambda objects: {o["kind"] for o in objects}
    expect("ValidatingAdmissionPolicy" in kinds(new) and "ValidatingAdmissionPolicy" not in kinds(old), "policy by version")
    expect("appArmorProfile" not in agent_of(old)["containers"][0]["securityContext"], "AppArmor's field before 1.30")
    expect(agent_of(new)["hostUsers"] is True and "hostUsers" not in agent_of(old), "hostUsers by version")


def surge_needs_no_port_of_the_node(chart):
    pod = agent_of(chart.objects("--set", "profiles={core,net}"))
    expect("ports" not in pod["containers"][0], "a declared port is the node's, and two agents could not be placed")


def stamp_of(root):
    return "inputs " + subprocess.run([sys.executable, os.path.join(root, "tests/chart/stamp.py"), root], capture_output=True,
                                      text=True, check=True).stdout.strip()


def manifests(chart):
    stamp = stamp_of(chart.root)
    hooks = chart.render("--show-only", "templates/uninstall.yaml")
    documents = [d for d in hooks.split("\n---\n") if "\nkind: DaemonSet\n" in d or "\nkind: ServiceAccount\n" in d]
    documents = ["\n".join(line for line in d.split("\n") if "helm.sh/hook" not in line) for d in documents]
    text = "\n---\n".join(documents).replace("  annotations:\n    \nspec:", "spec:").replace("  annotations:\n    \nautomount", "automount")
    return {
        "deploy/plimsoll.yaml": NAMESPACE.format(stamp=stamp) + chart.render("--no-hooks"),
        "deploy/plimsoll-uninstall.yaml": UNINSTALL.format(stamp=stamp) + text.strip("\n-") + "\n",
    }


def plain_manifests_are_current(chart):
    for path, text in manifests(chart).items():
        found = open(os.path.join(chart.root, path), encoding="utf-8").read()
        expect(found == text, f"{path} is not what the chart gives; `make charts` writes it anew")
        expect(len([d for d in yaml.safe_load_all(found) if d]) >= 2, path)


TESTS = [lints_and_renders, refuses, privileges_are_the_profiles, hooks_clean_with_the_same_means, two_releases_do_not_meet,
         configuration_arrives, checks_configurations, seccomp_and_versions, surge_needs_no_port_of_the_node,
         plain_manifests_are_current]


def main():
    chart = Chart(sys.argv[1], sys.argv[2])
    if "--update" in sys.argv:
        for path, text in manifests(chart).items():
            with open(os.path.join(chart.root, path), "w", encoding="utf-8") as file:
                file.write(text)
            print("wrote", path)
        return 0
    failed = 0
    for test in TESTS:
        try:
            test(chart)
            print("ok     ", test.__name__)
        except Failed as problem:
            failed += 1
            print("FAILED ", test.__name__, problem)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
