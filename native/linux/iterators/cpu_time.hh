// A process's CPU time as /proc tells it.
#pragma once

#include "linux/bpf/iterator_layout.h"

namespace systems_manager {

struct UserAndSystem {
  uint64_t user_ns;
  uint64_t system_ns;
};

// The ticks that the clock saw share out what the scheduler measured, and neither part ever goes back behind what was
// reported: the kernel's cputime_adjust.
inline UserAndSystem ShareOut(const task_cpu& total, const task_cpu& reported) {
  if (reported.user_ns + reported.system_ns >= total.run_ns) return {reported.user_ns, reported.system_ns};
  uint64_t system = 0;
  if (total.system_ns != 0) {
    const auto ticks = static_cast<unsigned __int128>(total.user_ns) + total.system_ns;
    system = static_cast<uint64_t>(static_cast<unsigned __int128>(total.system_ns) * total.run_ns / ticks);
  }
  if (system < reported.system_ns) system = reported.system_ns;
  uint64_t user = total.run_ns - system;
  if (user < reported.user_ns) {
    user = reported.user_ns;
    system = total.run_ns - user;
  }
  return {user, system};
}

}  // namespace systems_manager
