// Block devices of the io.* settings: from a path in the container, or a volume of its pod, to major:minor.
// Reads mount tables only and never the path itself: a dead NFS server cannot block us. No state, any thread.
#pragma once

#include "pkg/base/result.h"
#include "pkg/model/facts.h"
#include "pkg/model/value.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::cgroup {

// The device's number, always of the whole disk, since the kernel limits no partition.
//
// With container.pid the container's own mount table is read (exact); before the process exists the mounts
// that the runtime will make and the host's table (<proc>/1/mountinfo), in which a symbolic link in a source
// path is not seen. Errors are sentences for the user: overlay, tmpfs, NFS and btrfs have no block device.
base::Result<model::DeviceNumber> resolveDevice(const sys::HostRoots& roots, const model::DeviceRef& device,
                                                const model::ContainerFacts& container);

}  // namespace plimsoll::cgroup
