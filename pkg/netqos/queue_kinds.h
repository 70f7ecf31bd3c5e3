// Queueing disciplines that serve urgent classes first, as Plimsoll sets them up at an uplink. Pure, any
// thread. Internal to pkg/netqos.
//
// Facts: include/uapi/linux/pkt_sched.h; net/sched/sch_{fq,prio,mq}.c. All of these map the low four bits of
// a packet's priority to three bands as pfifo_fast does; the programs give 7, 6, 0 and 2 (uplinks.cc).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::netqos {

struct QueueKind {
  std::string_view name;
  std::string (*options)();                 // what it is added with
  bool (*holds)(std::string_view options);  // whether what the kernel shows of it is that
  uint32_t bands;                           // queues within, 1 to this; each becomes fq_codel
};

// "fq": each flow its turn, and bands of flows from Linux 6.7 on; an earlier kernel takes the options and
// does not show them. "prio": strict bands. "pfifo_fast": the same without queues within.
const QueueKind* queueKind(std::string_view name);  // nullptr: none of ours

// A queue that treats all classes alike.
bool ignoresClasses(std::string_view kind);

}  // namespace plimsoll::netqos
