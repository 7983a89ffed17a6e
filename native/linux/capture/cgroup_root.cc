#include "linux/capture/cgroup_root.hh"

#include <fcntl.h>
#include <mntent.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

namespace systems_manager {
namespace {

std::string FindMount() {
  const std::unique_ptr<FILE, int (*)(FILE*)> mounts(setmntent("/proc/self/mounts", "re"), endmntent);
  if (!mounts) throw std::system_error(errno, std::generic_category(), "read /proc/self/mounts");
  mntent entry{};
  char text[4096];
  while (getmntent_r(mounts.get(), &entry, text, sizeof(text)) != nullptr) {
    if (std::strcmp(entry.mnt_type, "cgroup2") == 0) return entry.mnt_dir;
  }
  throw std::system_error(ENOENT, std::generic_category(),
                          "no cgroup2 file system is mounted, and UDP and DNS are seen nowhere else");
}

}  // namespace

CgroupRoot::CgroupRoot() {
  const auto path = FindMount();
  descriptor_ = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "open " + path);
}

CgroupRoot::~CgroupRoot() { close(descriptor_); }

}  // namespace systems_manager
