// What programs do and how it is told: the same for both backends.
import { join } from "node:path";
import { expect } from "vitest";
import type { CaptureEvent } from "../../../../services/providers/linux/capture/decode-event.js";
import type { EventKind } from "../../../../services/providers/linux/capture/event-layout.js";

const numbers =
  process.arch === "arm64" ? { clone: 220, mount: 40, umount: 39 } : { clone: 56, mount: 165, umount: 166 };
const user = process.getuid?.();
const inOwnNamespace = ["unshare", "-m", "--propagation", "private"];
const ofPerl = (pid: number) => ({ subject: { pid, tid: pid, comm: "perl", user, parent: process.pid } });

/** Perl that connects; the port is an expression. */
export const connectTo = (address: string) =>
  `socket(my $s, PF_INET, SOCK_STREAM, 0) or die; connect($s, pack_sockaddr_in(${address}, inet_aton("127.0.0.1")));`;

export interface Case {
  readonly what: string;
  readonly kinds: readonly EventKind[];
  readonly script: string;
  readonly within?: readonly string[];
  /** Which events are looked at; all when absent. */
  readonly only?: (event: CaptureEvent) => boolean;
  /** In the order in which they come; there are no others. */
  readonly expected: (actor: number) => readonly object[];
}

/** `directory` holds a file "file" and a directory "sub", and is where the programs run. */
export function casesIn(directory: string): readonly Case[] {
  const file = join(directory, "file");
  return [
    {
      what: "a program is executed",
      kinds: ["exec"],
      script: 'exec "/bin/echo", "hello", "w\\xc3\\xb6rld", ""',
      expected: (pid) => [
        {
          kind: "exec",
          filename: "/bin/echo",
          argv: ["/bin/echo", "hello", "wörld", ""],
          cutBytes: 0,
          subject: { pid, tid: pid, comm: "echo", user, parent: process.pid },
        },
      ],
    },
    {
      what: "a program that is not there is executed",
      kinds: ["exec"],
      script: 'no warnings; exec "/no/such/program"; 1',
      expected: () => [],
    },
    {
      what: "a child begins and ends with a status",
      kinds: ["fork", "exit"],
      script: "my $p = fork; exit 3 unless $p; waitpid($p, 0)",
      expected: (pid) => [
        { kind: "fork", ...ofPerl(pid), child: { pid: expect.any(Number) } },
        { kind: "exit", status: 3, signal: 0, isProcess: true, subject: { comm: "perl", parent: pid } },
        { kind: "exit", status: 0, signal: 0, isProcess: true, ...ofPerl(pid) },
      ],
    },
    {
      // As by vfork: its maker goes on only when the child has ended.
      what: "a child is told before what it does while its maker waits",
      kinds: ["fork", "fileOpen", "exit"],
      script: `my $p = syscall(${numbers.clone}, 0x4000 | 17, 0, 0, 0, 0);
        if ($p == 0) { open(my $f, "<", "file") or die; exit 3 } waitpid($p, 0)`,
      expected: (pid) => [
        { kind: "fork", ...ofPerl(pid), child: { pid: expect.any(Number) } },
        { kind: "fileOpen", path: file, isResolved: true, subject: { comm: "perl", parent: pid } },
        { kind: "exit", status: 3, signal: 0, isProcess: true, subject: { comm: "perl", parent: pid } },
        { kind: "exit", status: 0, signal: 0, isProcess: true, ...ofPerl(pid) },
      ],
    },
    {
      what: "a program is killed",
      kinds: ["exit"],
      script: "kill KILL => $$; sleep 5",
      expected: (pid) => [{ kind: "exit", status: 0, signal: 9, isProcess: true, ...ofPerl(pid) }],
    },
    {
      what: "files are opened",
      kinds: ["fileOpen"],
      script: 'open(my $f, "<", "file") or die; open(my $g, "<", "missing"); open(my $h, "<", "/no/such")',
      expected: (pid) => [
        { kind: "fileOpen", path: file, isResolved: true, flags: 0x80000, mode: 0, ...ofPerl(pid) },
        { path: "missing", directory, isResolved: false, result: -2 },
        { path: "/no/such", isResolved: false, result: -2 },
      ],
    },
    {
      what: "a file is made whose name is not UTF-8",
      kinds: ["fileOpen"],
      script: 'open(my $f, ">", "caf\\xe9 <\\"x\\">,") or die',
      expected: () => [{ path: `${directory}/caf\\xe9 <"x">,`, isResolved: true, flags: 0x80241, mode: 0o666 }],
    },
    {
      what: "files are renamed",
      kinds: ["fileRename"],
      script: 'rename("file", "sub/new") or die; rename("missing", "/no/such")',
      expected: (pid) => [
        {
          kind: "fileRename",
          result: 0,
          flags: 0,
          from: { path: "file", directory, isResolved: false },
          to: { path: "sub/new", directory, isResolved: false },
          ...ofPerl(pid),
        },
        { result: -2, from: { path: "missing" }, to: { path: "/no/such" } },
      ],
    },
    {
      what: "a file is removed after its process went elsewhere",
      kinds: ["fileUnlink"],
      script:
        'chdir("sub") or die; rmdir("missing"); opendir(my $d, "..") or die; chdir($d) or die; unlink("file") or die',
      expected: () => [
        { path: "missing", directory: `${directory}/sub`, result: -2 },
        { path: "file", directory, result: 0 },
      ],
    },
    {
      what: "files and directories are removed",
      kinds: ["fileUnlink"],
      script: 'unlink("file") or die; rmdir("sub") or die; rmdir("missing")',
      expected: (pid) => [
        { kind: "fileUnlink", path: "file", directory, isDirectory: false, result: 0, ...ofPerl(pid) },
        { path: "sub", directory, isDirectory: true, result: 0 },
        { path: "missing", directory, isDirectory: true, result: -2 },
      ],
    },
    {
      what: "a file is read; a pipe is none",
      kinds: ["fileRead"],
      script: 'open(my $f, "<", "file") or die; sysread($f, my $b, 3) == 3 or die; sysread($f, $b, 9)',
      expected: (pid) => [
        { kind: "fileRead", path: file, isResolved: true, result: 3, descriptor: expect.any(Number), ...ofPerl(pid) },
        { path: file, result: 1 },
      ],
    },
    {
      what: "a file is written; a pipe is none",
      kinds: ["fileWrite"],
      script: 'open(my $f, ">", "sub/out") or die; syswrite($f, "hello") == 5 or die; syswrite(STDOUT, "a pipe")',
      expected: (pid) => [
        { kind: "fileWrite", path: `${directory}/sub/out`, isResolved: true, result: 5, ...ofPerl(pid) },
      ],
    },
    {
      what: "connections are refused",
      kinds: ["tcpConnect"],
      script: connectTo("1"),
      expected: (pid) => [
        {
          kind: "tcpConnect",
          result: -111,
          remote: { address: "127.0.0.1", port: 1 },
          family: 4,
          isMapped: false,
          ...ofPerl(pid),
        },
      ],
    },
    {
      what: "a connection is accepted",
      kinds: ["tcpAccept"],
      script: `socket(my $l, PF_INET, SOCK_STREAM, 0) or die; bind($l, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die; listen($l, 1);
      my ($port) = unpack_sockaddr_in(getsockname($l)); my $p = fork; if (!$p) { select(undef, undef, undef, 0.2); ${connectTo("$port")} exit 0 }
      accept(my $c, $l) or die; waitpid($p, 0)`,
      expected: (pid) => [
        {
          kind: "tcpAccept",
          result: expect.any(Number),
          local: { address: "127.0.0.1", port: expect.any(Number) },
          remote: { address: "127.0.0.1", port: expect.any(Number) },
          family: 4,
          isOwnerKnown: true,
          ...ofPerl(pid),
        },
      ],
    },
    {
      what: "datagrams leave",
      kinds: ["udpSend"],
      script: `socket(my $u, PF_INET, SOCK_DGRAM, 0) or die; send($u, "abc", 0, pack_sockaddr_in(9, INADDR_LOOPBACK));
      socket(my $w, PF_INET, SOCK_DGRAM, 0) or die; connect($w, pack_sockaddr_in(19, INADDR_LOOPBACK)); send($w, "abcd", 0)`,
      expected: (pid) => [
        {
          kind: "udpSend",
          bytes: 3,
          remote: { address: "127.0.0.1", port: 9 },
          family: 4,
          isMapped: false,
          ...ofPerl(pid),
        },
        { kind: "udpSend", bytes: 4, remote: { address: "127.0.0.1", port: 19 }, family: 4, ...ofPerl(pid) },
      ],
    },
    {
      what: "a signal is sent",
      kinds: ["signal"],
      // That of a child's end, which the kernel sends, strace cannot tell.
      only: (event) => event.kind !== "signal" || event.signal !== 17,
      script: '$SIG{USR1} = "IGNORE"; kill USR2 => 4194303; kill CONT => $$; select(undef, undef, undef, 0.05)',
      expected: (pid) => [
        { kind: "signal", signal: 18, target: { pid, comm: "perl" }, isFromKernel: false, ...ofPerl(pid) },
      ],
    },
    {
      what: "a file system is mounted and unmounted",
      kinds: ["mount", "umount"],
      within: inOwnNamespace,
      script: `my ($s, $t, $y, $d) = ("source", "${directory}/sub", "tmpfs", ""); syscall(${numbers.mount}, $s, $t, $y, 4, $d) == 0 or die $!;
      syscall(${numbers.umount}, $t, 2) == 0 or die $!; $y = "no-type"; syscall(${numbers.mount}, $s, $t, $y, 0, $d)`,
      expected: (pid) => [
        {
          kind: "mount",
          source: "source",
          path: `${directory}/sub`,
          type: "tmpfs",
          flags: 4,
          result: 0,
          ...ofPerl(pid),
        },
        { kind: "umount", path: `${directory}/sub`, flags: 2, result: 0 },
        { kind: "mount", type: "no-type", result: -19 },
      ],
    },
  ];
}
