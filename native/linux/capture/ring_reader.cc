#include "linux/capture/ring_reader.hh"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace systems_manager {
namespace {

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

// Shared with the kernel, which orders its writes by this.
template <typename Word>
Word Load(const char* at) {
  return __atomic_load_n(reinterpret_cast<const Word*>(at), __ATOMIC_ACQUIRE);
}

}  // namespace

MappedMemory::MappedMemory(int map, size_t offset, size_t size, int protection)
    : size_(size),
      bytes_(static_cast<char*>(mmap(nullptr, size, protection, MAP_SHARED, map, static_cast<off_t>(offset)))) {
  if (bytes_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "map the ring");
}

MappedMemory::~MappedMemory() { munmap(bytes_, size_); }

RingReader::RingReader(int map, size_t ring_bytes)
    : mask_(ring_bytes - 1),
      consumer_(map, 0, PageBytes(), PROT_READ | PROT_WRITE),
      producer_(map, PageBytes(), PageBytes() + 2 * ring_bytes, PROT_READ),
      records_(producer_.get() + PageBytes()) {}

size_t RingReader::Read(char* to, size_t enough) {
  auto* const read = reinterpret_cast<unsigned long*>(consumer_.get());
  // Nobody else writes it.
  unsigned long at = *read;
  const auto end = Load<unsigned long>(producer_.get());
  size_t copied = 0;
  while (at < end && copied < enough) {
    const char* const record = records_ + (at & mask_);
    const auto length = Load<uint32_t>(record);
    // The kernel is still writing it.
    if (length & BPF_RINGBUF_BUSY_BIT) break;
    const size_t size = length & ~BPF_RINGBUF_DISCARD_BIT;
    if (!(length & BPF_RINGBUF_DISCARD_BIT)) {
      std::memcpy(to + copied, record + BPF_RINGBUF_HDR_SZ, size);
      copied += size;
    }
    at += (size + BPF_RINGBUF_HDR_SZ + 7) & ~7ul;
  }
  __atomic_store_n(read, at, __ATOMIC_RELEASE);
  return copied;
}

}  // namespace systems_manager
