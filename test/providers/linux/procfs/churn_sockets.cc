// churn_sockets FILE: short-lived processes open, move and close sockets of their own, and beside them this one holds
// forty that stay. Writes to FILE who made each socket. Prints "ready"; ends when its standard input does.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

constexpr int kBreeders = 4;
constexpr int kSteadySockets = 40;
constexpr uint64_t kMaxMade = 8'000'000;

struct Made {
  uint64_t inode;
  uint64_t pid;
};

// Shared by all, and what the file has.
struct Record {
  std::atomic<uint64_t> made_count;
  std::atomic<uint64_t> is_over;
  std::array<Made, kMaxMade> made;
};

Record* record = nullptr;

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// -1 when there is no room for another one to be written down.
int MakeSocket(uint64_t pid) {
  const uint64_t index = record->made_count.fetch_add(1);
  if (index >= kMaxMade) return -1;
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct stat state {};
  if (fd < 0 || fstat(fd, &state) != 0) Fail("make a socket");
  record->made[index] = {state.st_ino, pid};
  return fd;
}

// Its table of descriptors grows twice on the way.
void FillTable(uint64_t pid) {
  for (int round = 0; round < 40; round++) {
    const int near = MakeSocket(pid);
    const int far = near < 0 ? -1 : fcntl(near, F_DUPFD, 20 * round);
    close(near);
    const int other = MakeSocket(pid);
    if (round % 2 == 0) close(far);
    if (round % 3 == 0) close(other);
  }
  close_range(STDERR_FILENO + 1, ~0u, 0);
}

[[noreturn]] void Live(int times) {
  for (int time = 0; time < times && !record->is_over; time++) FillTable(static_cast<uint64_t>(getpid()));
  _exit(0);
}

// Lives of one table to five hundred, a millisecond to half a second.
[[noreturn]] void Breed() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int bred = 0; !record->is_over; bred++) {
    const pid_t child = fork();
    if (child < 0) Fail("fork");
    if (child == 0) Live(1 << bred % 10);
    waitpid(child, nullptr, 0);
  }
  _exit(0);
}

// Beside the sockets that stay, in the same table.
void ChurnOwnTable() {
  while (!record->is_over) {
    const int file = open("/dev/null", O_RDONLY);
    close(fcntl(file, F_DUPFD, 600));
    close(file);
  }
}

}  // namespace

int main(int count, char** given) {
  const int file = count == 2 ? open(given[1], O_RDWR | O_CREAT, 0600) : -1;
  if (file < 0 || ftruncate(file, sizeof(Record)) != 0) Fail("open the record");
  record = static_cast<Record*>(mmap(nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  if (record == MAP_FAILED) Fail("map the record");
  close(file);
  std::array<pid_t, kBreeders> breeders{};
  for (auto& breeder : breeders) {
    breeder = fork();
    if (breeder == 0) Breed();
  }
  for (int index = 0; index < kSteadySockets; index++)
    fcntl(MakeSocket(static_cast<uint64_t>(getpid())), F_DUPFD, 20 * index);
  std::thread churn(ChurnOwnTable);
  std::puts("ready");
  std::fflush(stdout);
  while (getchar() != EOF) {
  }
  record->is_over = 1;
  churn.join();
  for (const pid_t breeder : breeders) waitpid(breeder, nullptr, 0);
  return 0;
}
