// Makes one system call again and again, and prints how many nanoseconds of CPU time each took: call_storm getppid|open
// TIMES FILE.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

double CpuNanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const bool opens = std::strcmp(argv[1], "open") == 0;
  const long times = std::atol(argv[2]);
  const double before = CpuNanoseconds();
  for (long time = 0; time < times; time++) {
    if (!opens) {
      syscall(SYS_getppid);
      continue;
    }
    const int file = open(argv[3], O_RDONLY | O_CLOEXEC);
    if (file < 0) return 1;
    close(file);
  }
  std::printf("%.1f\n", (CpuNanoseconds() - before) / static_cast<double>(times));
  return 0;
}
