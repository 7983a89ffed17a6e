#include "linux/home_namespace.hh"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace systems_manager {
namespace {

// PROC_PID_INIT_INO of include/uapi/linux/nsfs.h.
constexpr ino_t kInitialPidNamespace = 0xEFFFFFFC;

}  // namespace

uint32_t FindHomeNamespace() {
  struct stat own {};
  if (stat("/proc/self/ns/pid", &own) != 0)
    throw std::system_error(errno, std::generic_category(), "find the own pid namespace");
  return own.st_ino == kInitialPidNamespace ? 0 : static_cast<uint32_t>(own.st_ino);
}

}  // namespace systems_manager
