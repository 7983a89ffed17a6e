// The folder of the cgroup that holds all others, where programs see every packet of every process.
#pragma once

namespace systems_manager {

class CgroupRoot {
 public:
  // Throws std::system_error when no cgroup2 file system is mounted.
  CgroupRoot();
  CgroupRoot(const CgroupRoot&) = delete;
  CgroupRoot& operator=(const CgroupRoot&) = delete;
  ~CgroupRoot();

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace systems_manager
