// A program that every verifier refuses, after a hundred instructions that it describes: what does the loader
// say?
#include <linux/bpf.h>
// after linux/bpf.h
#include <bpf/bpf_helpers.h>

SEC("tc")
int refused(struct __sk_buff* skb) {
  __u32 sum = 0;
#pragma unroll
  for (int i = 0; i < 50; ++i) sum += *(volatile __u32*)&skb->len;
  return *(int*)(long)sum;  // a number is no pointer
}

char refused_license[] SEC("license") = "GPL";
