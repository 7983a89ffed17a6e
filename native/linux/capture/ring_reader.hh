// The reader's end of a ring of the kernel. It says what it has read once for many records: the kernel looks at that
// for every event that it adds, and a word that changes all the time costs both sides.
#pragma once

#include <cstddef>
#include <cstdint>

namespace systems_manager {

// Memory of a map. Unmapped when the owner goes.
class MappedMemory {
 public:
  // Throws std::system_error.
  MappedMemory(int map, size_t offset, size_t size, int protection);
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;
  ~MappedMemory();

  char* get() const { return bytes_; }

 private:
  const size_t size_;
  char* bytes_;
};

// One thread.
class RingReader {
 public:
  // The map is open as long as this is. Throws std::system_error.
  RingReader(int map, size_t ring_bytes);

  // Copies whole records one behind the other until these are enough bytes, or the ring has no more. There is room for
  // enough, and the largest record beyond. Gives how many bytes these are.
  size_t Read(char* to, size_t enough);

 private:
  const size_t mask_;
  MappedMemory consumer_;
  // Its position, and behind it all records, twice: one that goes over the end is whole all the same.
  MappedMemory producer_;
  const char* const records_;
};

}  // namespace systems_manager
