#!/usr/bin/env python3
"""Checks that every #include of ours follows layers.txt. Usage: check_layers.py [ROOT]"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
SOURCES = {".h", ".cc", ".c"}


def read_layers(path):
    layers = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        folder, colon, allowed = line.partition(":")
        if not colon or folder in layers:
            sys.exit(f"{path}:{number}: want 'folder: allowed ...', each folder once")
        layers[folder] = allowed.split()
    return layers


def layer_of(name, layers):
    """The longest listed folder that holds `name`, or None."""
    parts = name.split("/")
    for n in range(len(parts), 0, -1):
        if "/".join(parts[:n]) in layers:
            return "/".join(parts[:n])
    return None


def may_include(folder, name, layers):
    allowed = layers[folder] + [folder]
    return any(name == a or name.startswith(a + "/") for a in allowed)


def cycles(layers):
    """Edges between listed folders that lead back to where they began."""
    def reach(start):
        seen, todo = set(), [start]
        while todo:
            for nxt in layers.get(todo.pop(), []):
                if nxt not in seen:
                    seen.add(nxt)
                    todo.append(nxt)
        return seen
    return sorted(f for f in layers if f in reach(f))


def check(root):
    layers = read_layers(root / "layers.txt")
    problems = [f"layers.txt: {f} can reach itself" for f in cycles(layers)]
    for path in sorted(p for top in ("pkg", "cmd", "bpf", "tests", "docs") for p in (root / top).rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix not in SOURCES:
            continue
        folder = layer_of(name, layers)
        if folder is None:
            problems.append(f"{name}: its folder is not in layers.txt")
            continue
        for include in INCLUDE.findall(path.read_text(errors="replace")):
            if "/" not in include or include.split("/")[0] not in {"pkg", "cmd", "proto", "bpf", "tests", "docs"}:
                continue
            # A test may use the fakes, and whatever its subject is used with.
            in_test = path.stem.endswith("_test")
            if not in_test and not may_include(folder, include, layers):
                problems.append(f"{name}: must not include {include} (layers.txt)")
    return problems


def self_test():
    layers = {"pkg/base": [], "pkg/sys": ["pkg/base"]}
    assert may_include("pkg/sys", "pkg/base/result.h", layers)
    assert not may_include("pkg/base", "pkg/sys/event_loop.h", layers)
    assert cycles({"a": ["b"], "b": ["a"]}) == ["a", "b"]


if __name__ == "__main__":
    self_test()
    found = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(found) or "layers: every include goes down")
    sys.exit(1 if found else 0)
