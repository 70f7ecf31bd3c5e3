#!/usr/bin/env python3
"""Prints a fingerprint of everything that the plain manifests are rendered from; with --check also compares it with the one in
deploy/*.yaml, which needs no helm. stamp.py [--check] ROOT"""
import hashlib
import os
import sys


def fingerprint(root):
    digest = hashlib.sha256()
    inputs = []
    for folder, _, names in os.walk(os.path.join(root, "charts/plimsoll")):
        inputs += [os.path.join(folder, name) for name in names if name not in ("README.md", ".helmignore")]
    for path in sorted(inputs):
        digest.update(os.path.relpath(path, root).encode() + b"\0")
        with open(path, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()[:32]


def main():
    root = sys.argv[-1]
    current = fingerprint(root)
    if "--check" not in sys.argv:
        print(current)
        return 0
    stale = []
    for name in ("plimsoll.yaml", "plimsoll-uninstall.yaml"):
        with open(os.path.join(root, "deploy", name), encoding="utf-8") as file:
            if f"# inputs {current}\n" not in file.read():
                stale.append(name)
    for name in stale:
        print(f"deploy/{name} was rendered from another chart; `make charts` writes it anew", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
