// idle_processes N: N children, each with one TCP listener on 127.0.0.1, that do nothing until this process ends.
// Prints "PID PORT" for each, then "ready". Children die with their parent, whichever way it goes.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

// A listener on a port of the kernel's choice; 0 on failure. It stays open.
unsigned Listen() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(fd, 1) != 0) return 0;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return ntohs(address.sin_port);
}

[[noreturn]] void RunChild(int report, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const unsigned port = Listen();
  // The parent may have gone before the death signal was set.
  if (port == 0 || getppid() != parent || write(report, &port, sizeof(port)) != sizeof(port)) _exit(1);
  close(report);
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (count < 1 || count > 10000) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const pid_t self = getpid();
  for (long index = 0; index < count; index++) {
    int ends[2];
    if (pipe(ends) != 0) return 1;
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
      close(ends[0]);
      RunChild(ends[1], self);
    }
    close(ends[1]);
    unsigned port = 0;
    if (read(ends[0], &port, sizeof(port)) != sizeof(port)) return 1;
    close(ends[0]);
    std::printf("%d %u\n", child, port);
  }
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) pause();
}
