#!/usr/bin/env python3
"""Looks into an image as an OCI archive and runs what is in it. check.py IMAGE.tar; as root, for chroot.

What is promised of the image: under 25 MB compressed, nothing but the two programs and their papers, static, no shell, labels,
times that are the commit's, a bill of materials that fits the files, and programs that start with nothing around them."""
import gzip
import hashlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import tempfile

LIMIT = 25_000_000
PROGRAMS = ["plimsolld", "kubectl-plimsoll"]
problems = []


def expect(good, text):
    if not good:
        problems.append(text)


class Image:
    def __init__(self, path):
        self.archive = tarfile.open(path)
        index = json.loads(self.read("index.json"))
        self.manifest = json.loads(self.blob(index["manifests"][0]["digest"]))
        self.config = json.loads(self.blob(self.manifest["config"]["digest"]))
        self.size = sum(layer["size"] for layer in self.manifest["layers"])

    def read(self, name):
        for form in (name, "./" + name):
            try:
                return self.archive.extractfile(form).read()
            except KeyError:
                continue
        raise KeyError(name)

    def blob(self, digest):
        data = self.read("blobs/" + digest.replace(":", "/"))
        expect("sha256:" + hashlib.sha256(data).hexdigest() == digest, "a blob's digest")
        return data

    def files(self):
        """Name: (TarInfo, content), of all layers."""
        found = {}
        for layer in self.manifest["layers"]:
            data = self.blob(layer["digest"])
            if layer["mediaType"].endswith("gzip"):
                data = gzip.decompress(data)
            tar = tarfile.open(fileobj=io.BytesIO(data))
            for member in tar:
                content = tar.extractfile(member).read() if member.isfile() else b""
                found["/" + member.name.strip("./")] = (member, content)
        return found


def check_form(image, files):
    expect(image.size < LIMIT, f"{image.size} bytes compressed, more than {LIMIT}")
    allowed = re.compile(r"/(plimsolld|kubectl-plimsoll)|/usr(/share(/doc(/plimsoll(/LICENSE|/sbom\.spdx\.json|/licences(/[a-z0-9.+-]+)?)?)?)?)?|/")
    for name in files:
        expect(allowed.fullmatch(name), f"{name} has no business in the image")
    for name in PROGRAMS:
        expect(files["/" + name][0].mode & 0o777 == 0o755, f"{name}'s mode")
    labels = image.config["config"].get("Labels", {})
    for label in ("title", "description", "licenses", "version", "revision", "created", "source", "documentation"):
        value = labels.get("org.opencontainers.image." + label, "")
        expect(value and value != "unknown", f"label {label} is {value!r}")
    expect(image.config["config"].get("Entrypoint") == ["/plimsolld"], "entry point")
    times = {member.mtime for member, _ in files.values()}
    expect(len(times) == 1, f"files have several times: {sorted(times)}")


def interpreter(elf):
    """Whether the program asks for a dynamic loader."""
    offset, size, count = struct.unpack_from("<Q", elf, 32)[0], *struct.unpack_from("<HH", elf, 54)
    return any(struct.unpack_from("<I", elf, offset + i * size)[0] == 3 for i in range(count))


def check_bill(files):
    bill = json.loads(files["/usr/share/doc/plimsoll/sbom.spdx.json"][1])
    expect(bill["spdxVersion"] == "SPDX-2.3" and bill["dataLicense"] == "CC0-1.0", "SPDX's head")
    sums = {entry["fileName"][2:]: entry["checksums"][0]["checksumValue"] for entry in bill["files"]}
    expect(sums == {name: hashlib.sha256(files["/" + name][1]).hexdigest() for name in PROGRAMS}, "checksums of the programs")
    packages = {package["name"]: package for package in bill["packages"]}
    for name in ("plimsoll", "libgrpc++-dev", "libprotobuf-dev", "libbpf-dev", "libyaml-cpp-dev", "libc6-dev"):
        expect(name in packages, f"the bill does not name {name}")
    for name, package in packages.items():
        expect(package["versionInfo"], f"{name} has no version")
        if name != "plimsoll":
            expect(f"/usr/share/doc/plimsoll/licences/{name}" in files, f"no licence text of {name}")
    ids = {bill["SPDXID"]} | {each["SPDXID"] for each in bill["packages"] + bill["files"]}
    for relation in bill["relationships"]:
        expect({relation["spdxElementId"], relation["relatedSpdxElement"]} <= ids, f"a relation to nothing: {relation}")
    return len(packages)


def run_in(root, *command):
    ran = subprocess.run(["chroot", root, *command], capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def check_programs(image, files):
    version = image.config["config"]["Labels"]["org.opencontainers.image.version"]
    with tempfile.TemporaryDirectory() as root:
        for name in PROGRAMS:
            expect(not interpreter(files["/" + name][1]), f"{name} is not static")
            with open(os.path.join(root, name), "wb") as file:
                file.write(files["/" + name][1])
            os.chmod(os.path.join(root, name), 0o755)
        code, said = run_in(root, "/plimsolld", "version")
        expect(code == 0 and version in said, f"plimsolld version: {code} {said}")
        with open(os.path.join(root, "node.yaml"), "w", encoding="utf-8") as file:
            file.write("apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\nrules: 7\n")
        code, said = run_in(root, "/plimsolld", "check-config", "/node.yaml")
        expect(code == 3 and "node.yaml" in said, f"plimsolld check-config: {code} {said}")
        code, said = run_in(root, "/plimsolld")
        expect(code == 4 and "/proc/self/mountinfo" in said, f"plimsolld without a host: {code} {said}")
        code, said = run_in(root, "/kubectl-plimsoll", "explain", "memory.high")
        expect(code == 0 and "memory.high" in said, f"kubectl-plimsoll explain: {code} {said}")


def main():
    image = Image(sys.argv[1])
    files = image.files()
    check_form(image, files)
    packages = check_bill(files)
    check_programs(image, files)
    for problem in problems:
        print(problem, file=sys.stderr)
    sizes = ", ".join(f"{name} {len(files['/' + name][1]) / 1e6:.1f} MB" for name in PROGRAMS)
    print(f"{image.size / 1e6:.1f} MB compressed; {sizes}; {packages} packages in the bill of materials")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
