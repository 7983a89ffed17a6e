// Opening and reading files of /proc, where a process that ends during the walk is normal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.hh"

namespace systems_manager {

// How access to a part of a process ended.
enum class Access {
  kOk,
  // The process ended meanwhile.
  kVanished,
  // The process exists and this one may not look.
  kDenied,
};

// The meaning of an errno; throws std::system_error that names `what` for any other one (EMFILE, EIO, ...).
Access AccessFromErrno(int error, std::string_view what);

// Opens /proc itself; throws std::system_error.
UniqueFd OpenProc();

// Numeric names of a directory, ascending; from where its descriptor stands.
Access ListNumbers(int directory, std::vector<uint32_t>& numbers);

// Reads a file from its beginning into `buffer` and gives its length in `length`, and what did not fit in `cut`.
Access ReadFile(int directory, const char* name, char* buffer, size_t capacity, size_t& length, uint64_t& cut);

}  // namespace systems_manager
