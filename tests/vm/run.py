#!/usr/bin/env python3
"""Runs a command as root in the test machine: pure cgroup v2, a real containerd with NRI, one Debian suite's kernel.

    tests/vm/run.py --suite trixie --payload DIR --command './suite --all' --results OUT

The payload directory is a read-only disk at /payload and the command's working directory; it is in PATH, and so is
its bin/. /data is a small ext4 disk of its own. What the command writes to /results comes back, with containerd's
and the kernel's logs. Output streams to stdout; the command's exit code is this program's.

Exit codes of our own: 124 the time was up, 77 the image cannot be built here, 70 the machine ended without a word,
130/143 interrupted.
"""
import argparse
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
MIB = 1 << 20
# No cx16: QEMU 7.2's emulation of cmpxchg16b was seen to hand back broken flags, and the guest's allocator died of it.
# The others only cost time here: 5-level page tables, `rep movsb` copied byte by byte, wide registers to save.
CPU = "max,-cx16,-la57,-erms,-fsrm,-xsave,-avx,-avx2,-pku,-smap,-smep,-umip,-pcid"
EXIT_NO_STATUS, EXIT_CANNOT_RUN, EXIT_TIMEOUT = 70, 77, 124


def parse_arguments():
    p = argparse.ArgumentParser(description="Run a command in the test machine.")
    p.add_argument("--suite", choices=["bookworm", "trixie", "sid"], default="trixie")
    p.add_argument("--payload", type=pathlib.Path, help="directory to give the guest, read-only, at /payload")
    p.add_argument("--command", default="true", help="run by /bin/sh in /payload")
    p.add_argument("--results", type=pathlib.Path, help="where the guest's /results is put")
    p.add_argument("--results-size", type=int, default=64, metavar="MIB")
    p.add_argument("--timeout", type=float, default=300, metavar="SECONDS")
    p.add_argument("--memory", type=int, default=2048, metavar="MIB")
    p.add_argument("--cpus", type=int, default=2)
    p.add_argument("--append", default="", help="more for the kernel's command line")
    p.add_argument("--qemu-arg", action="append", default=[], metavar="ARG", help="more for QEMU, e.g. --qemu-arg=-numa")
    p.add_argument("--interactive", action="store_true", help="a shell instead of --command (leave with exit, or C-a x)")
    p.add_argument("--image", type=pathlib.Path, help=argparse.SUPPRESS)
    p.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    return p.parse_args()


def image_directory(args):
    if args.image:
        return args.image
    code = subprocess.call([HERE / "build-image.sh", args.suite])
    if code:
        sys.exit(code)
    cache = os.environ.get("PLIMSOLL_CACHE") or HERE.parent.parent / ".cache"
    return pathlib.Path(cache) / "vm" / args.suite


def tool(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        print(f"vm: SKIPPED: {name} is not installed")
        sys.exit(EXIT_CANNOT_RUN)
    return found


def make_disk(path, megabytes, source=None):
    command = [tool("mke2fs"), "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-E", "lazy_itable_init=1,nodiscard"]
    subprocess.run(command + (["-d", source] if source else []) + [path, f"{megabytes}M"], check=True,
                   stdout=subprocess.DEVNULL)


def pack_payload(args, work):
    """The payload directory and the command, as a disk. Links keep their target's name; sockets and such are refused."""
    staging = work / "payload"
    if args.payload:
        # Hard links where they can be: a static test binary weighs tens of megabytes.
        def link(source, target):
            try:
                os.link(source, target)
            except OSError:
                shutil.copy2(source, target)
        shutil.copytree(args.payload.resolve(), staging, symlinks=True, copy_function=link)
    else:
        staging.mkdir()
    (staging / ".plimsoll-command").write_text(args.command + "\n")
    size = sum(f.lstat().st_size for f in staging.rglob("*") if not f.is_dir())
    make_disk(work / "payload.ext4", size * 5 // 4 // MIB + 16, staging)
    shutil.rmtree(staging)


def kernel_arguments(args):
    mode = "prepare" if args.prepare else "shell" if args.interactive else "run"
    return (f"console=ttyS0 quiet loglevel=4 panic=-1 rw mitigations=off cgroup_no_v1=all no_timer_check "
            f"random.trust_cpu=on net.ifnames=0 plimsoll.mode={mode} {args.append}")


def qemu_command(args, image, work):
    snapshot = "off" if args.prepare else "on"
    drives = [(image / "rootfs.ext4", f"snapshot={snapshot},cache=unsafe"), (work / "payload.ext4", "readonly=on"),
              (work / "data.ext4", "cache=unsafe"), (work / "results.tar", "cache=unsafe")]
    command = [tool("qemu-system-x86_64"), "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", CPU,
               "-smp", str(args.cpus), "-m", str(args.memory), "-nodefaults", "-no-user-config", "-display", "none",
               "-no-reboot", "-kernel", image / "kernel", "-initrd", image / "initrd", "-append", kernel_arguments(args),
               "-chardev", f"file,id=console,path={work}/console", "-serial", "chardev:console"]
    for path, options in drives:
        command += ["-drive", f"file={path},format=raw,if=virtio,{options}"]
    mux = "stdio,id=out,mux=on,signal=off" if args.interactive else "stdio,id=out,signal=off"
    command += ["-device", "virtio-serial-pci", "-chardev", mux, "-device", "virtconsole,chardev=out",
                "-chardev", f"file,id=status,path={work}/status", "-device",
                "virtserialport,chardev=status,name=plimsoll.status", "-device", "virtio-rng-pci"]
    return command + args.qemu_arg


def die_with_parent():
    """Even a kill -9 of this program must not leave a machine running."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Machine:
    """One QEMU process. Whatever ends this program also ends it."""

    def __init__(self, args, image, work):
        self.interactive = args.interactive
        streams = {} if self.interactive else {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
        # A session of its own: the terminal's Ctrl-C comes to us, and we end it in order.
        self.process = subprocess.Popen(qemu_command(args, image, work), start_new_session=not self.interactive,
                                        preexec_fn=die_with_parent, env={**os.environ, "TMPDIR": str(work)},
                                        **streams)
        self.reader = threading.Thread(target=self.stream, daemon=True)
        self.reader.start()

    def stream(self):
        if self.interactive:
            return
        while data := os.read(self.process.stdout.fileno(), 65536):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def wait(self, timeout):
        """True if it ended by itself."""
        try:
            self.process.wait(None if self.interactive else timeout)
            self.reader.join(5)
            return True
        except subprocess.TimeoutExpired:
            return False

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def show_tail(console, lines=40):
    try:
        text = console.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        text = []
    print("vm: the end of the machine's console:", *(["  " + line for line in text] or ["  (empty)"]), sep="\n")


def fetch_results(disk, directory):
    """Plain files and folders only: a guest must not be able to plant links or devices here."""
    directory.mkdir(parents=True, exist_ok=True)
    with tarfile.open(disk) as tar:
        for member in tar:
            name = os.path.normpath(member.name)
            if name.startswith(("..", "/")) or not (member.isfile() or member.isdir()):
                continue
            target = directory / name
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                with tar.extractfile(member) as source, open(target, "wb") as out:
                    shutil.copyfileobj(source, out)


def guest_status(work):
    try:
        return int((work / "status").read_text().strip())
    except (OSError, ValueError):
        return None


def run(args, image, work):
    pack_payload(args, work)
    make_disk(work / "data.ext4", 256)
    with open(work / "results.tar", "wb") as f:
        f.truncate(args.results_size * MIB)
    machine = Machine(args, image, work)
    started = time.monotonic()
    try:
        ended = machine.wait(args.timeout)
    finally:
        machine.end()
    if not ended:
        print(f"vm: not done after {time.monotonic() - started:.0f} s, ended it")
        show_tail(work / "console")
        return EXIT_TIMEOUT
    code = guest_status(work)
    if code is None:
        print("vm: the machine went off without telling the command's exit code")
        show_tail(work / "console")
        return EXIT_NO_STATUS
    if args.results:
        fetch_results(work / "results.tar", args.results)
        shutil.copy(work / "console", args.results / "console.log")
    return code


def died_of_emulation(console):
    """The kernel patches its own code, by way of int3, and with several processors emulation is not quite the real
    thing: a breakpoint that nobody set. Nothing that a test does ends so. Nor can what happens before anything of
    ours runs be a test's doing."""
    text = console.read_text(errors="replace")
    found = re.search(r"\[\s*(\d+)\.\d+\] Kernel panic", text)
    return found is not None and (int(found.group(1)) < 6 or re.search(r"Oops: int3|int3: 0000 \[#1\]", text) is not None)


def on_signal(number, _frame):
    raise SystemExit(128 + number)


def main():
    args = parse_arguments()
    sys.stdout.reconfigure(line_buffering=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    image = image_directory(args)
    code = EXIT_NO_STATUS
    for attempt in range(3):
        with tempfile.TemporaryDirectory(prefix="plimsoll-vm.") as work:
            code = run(args, image, pathlib.Path(work))
            if code != EXIT_NO_STATUS or not died_of_emulation(pathlib.Path(work) / "console"):
                break
        print("vm: the guest's kernel died of the emulation, as it sometimes does; once more")
    sys.exit(code)


if __name__ == "__main__":
    main()
