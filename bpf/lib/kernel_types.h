// The few members of kernel structures that the iterators follow. Offsets are the running kernel's, from its
// BTF; names are Linux's own (include/net/sock.h, linux/cgroup-defs.h, linux/kernfs.h).
#pragma once

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
  __u64 id;
};

struct cgroup {
  struct kernfs_node* kn;
  int level;
  struct cgroup* ancestors[];  // since Linux 6.1
};

struct sock_cgroup_data {
  struct cgroup* cgroup;
};

struct sock_common {
  unsigned short skc_family;
};

struct sock {
  struct sock_common __sk_common;
  struct sock_cgroup_data sk_cgrp_data;
};

struct tcp_sock {
  __u32 mss_cache;
};

struct bpf_iter_meta {
  __u64 session_id;
};

struct bpf_iter__tcp {
  struct bpf_iter_meta* meta;
  struct sock_common* sk_common;
};

#pragma clang attribute pop
