import { SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseAddress } from "../../../../services/providers/linux/socket/parse-address.js";
import { parseInet } from "../../../../services/providers/linux/socket/parse-inet.js";
import { parseUnix } from "../../../../services/providers/linux/socket/parse-unix.js";
import { SocketProtocol, SocketRole, TcpState } from "../../../../services/providers/linux/socket/raw-socket.js";
import { withoutRepeats } from "../../../../services/providers/linux/socket/read-sockets.js";

describe("an address of /proc/net", () => {
  test.each([
    ["0100007F", "LE", "127.0.0.1"],
    ["00000000", "LE", "0.0.0.0"],
    ["7F000001", "BE", "127.0.0.1"],
    ["00000000000000000000000000000000", "LE", "::"],
    ["00000000000000000000000001000000", "LE", "::1"],
    ["0000000000000000FFFF00000100007F", "LE", "::ffff:127.0.0.1"],
    ["B80D01200000000000000000EF110000", "LE", "2001:db8::11ef"],
    ["B80D0120000001000000000001000200", "LE", "2001:db8:1::2:1"],
    ["000080FE00000000FF005450B6DE27FE", "LE", "fe80::5054:ff:fe27:deb6"],
    ["00010002000300040005000600070008", "BE", "1:2:3:4:5:6:7:8"],
    ["00010000000300040005000600070008", "BE", "1:0:3:4:5:6:7:8"],
    ["20010DB8000000000001000000000001", "BE", "2001:db8::1:0:0:1"],
    ["00000000000000000000000000010000", "BE", "::1:0"],
  ] as const)("%s (%s) is %s", (digits, byteOrder, address) => {
    expect(parseAddress(digits, byteOrder)).toBe(address);
  });

  it("is written as Node's own inet_ntop writes it", () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        // inet_ntop writes ::1.2.3.4 for the long deprecated v4-compatible block; RFC 5952 does not ask for it.
        fc.pre(groups.slice(0, 6).some((value) => value !== 0));
        const address = groups.map((value) => value.toString(16)).join(":");
        const digits = groups.map((value) => value.toString(16).padStart(4, "0")).join("");
        expect(parseAddress(digits, "BE")).toBe(new SocketAddress({ address, family: "ipv6" }).address);
      }),
    );
  });
});

const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

describe("/proc/net/tcp", () => {
  test.each([
    [
      "   0: 0100007F:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1593 1 000000008fb7f2fe 100 0 0 10 0",
      {
        role: SocketRole.LISTENER,
        address: "127.0.0.1",
        port: 443,
        remotePort: 0,
        state: TcpState.LISTEN,
        inode: 1593,
      },
    ],
    [
      "  11: 020200C0:827C 507100CB:0050 06 00000000:00000000 03:00000F61 00000000     0        0 0 3 0000000000000000",
      {
        role: SocketRole.CONNECTION,
        port: 33404,
        remoteAddress: "203.0.113.80",
        remotePort: 80,
        state: TcpState.TIME_WAIT,
        inode: 0,
      },
    ],
    [
      " 100: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 4294967295 1 0000000000000000 20 4 30 10 -1",
      {
        role: SocketRole.CONNECTION,
        remoteAddress: "127.0.0.1",
        remotePort: 8080,
        state: TcpState.ESTABLISHED,
        inode: 4294967295,
      },
    ],
    [
      "   1: 0100007F:C350 0100007F:1F90 0C 00000000:00000000 01:00000064 00000000     0        0 0 1 0000000000000000",
      { role: SocketRole.CONNECTION, state: TcpState.SYN_RECV },
    ],
    [
      "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20114 1 0000000000000000 100 0 0 10 0",
      { role: SocketRole.LISTENER, address: "::", port: 22, inode: 20114 },
    ],
  ])("%s", (line, socket) => {
    expect(parseInet(`${header}${line}\n`, SocketProtocol.TCP)).toEqual([
      expect.objectContaining({ protocol: SocketProtocol.TCP, path: "", ...socket }),
    ]);
  });

  test.each([
    ["01", TcpState.ESTABLISHED],
    ["02", TcpState.SYN_SENT],
    ["03", TcpState.SYN_RECV],
    ["04", TcpState.FIN_WAIT1],
    ["05", TcpState.FIN_WAIT2],
    ["06", TcpState.TIME_WAIT],
    ["07", TcpState.CLOSE],
    ["08", TcpState.CLOSE_WAIT],
    ["09", TcpState.LAST_ACK],
    ["0A", TcpState.LISTEN],
    ["0B", TcpState.CLOSING],
    ["0F", TcpState.UNSPECIFIED],
  ])("state %s is %i", (digits, state) => {
    const line = `   0: 0100007F:0001 0100007F:0002 ${digits} 0:0 00:0 0 0 0 5 1\n`;
    expect(parseInet(header + line, SocketProtocol.TCP)[0]?.state).toBe(state);
  });

  it("is empty without rows, and refuses what is no row", () => {
    expect(parseInet(header, SocketProtocol.TCP)).toEqual([]);
    expect(parseInet("", SocketProtocol.TCP)).toEqual([]);
    expect(() => parseInet(`${header}garbage\n`, SocketProtocol.TCP)).toThrow('unknown line in /proc/net: "garbage"');
  });
});

describe("/proc/net/udp", () => {
  test.each([
    ["00000000:0044 00000000:0000 07", SocketRole.LISTENER],
    ["0100007F:9C40 0100007F:0035 01", SocketRole.CONNECTION],
  ])("%s has the role %i and no TCP state", (ends, role) => {
    const line = `  123: ${ends} 00000000:00000000 00:00000000 00000000     0        0 1421 2 0000000000000000 0\n`;
    expect(parseInet(header + line, SocketProtocol.UDP)).toEqual([
      expect.objectContaining({ role, state: TcpState.UNSPECIFIED, inode: 1421 }),
    ]);
  });
});

describe("/proc/net/unix", () => {
  const unixHeader = "Num       RefCount Protocol Flags    Type St Inode Path\n";
  test.each([
    [
      "0000000000000000: 00000002 00000000 00010000 0001 01 23661 /run/dbus/system_bus_socket",
      SocketRole.LISTENER,
      "/run/dbus/system_bus_socket",
      23661,
    ],
    ["0000000099177509: 00000003 00000000 00000000 0001 03  1590", SocketRole.CONNECTION, "", 1590],
    [
      "0000000000000000: 00000002 00000000 00010000 0005 01 77 @/org/kernel/linux/storage/multipathd",
      SocketRole.LISTENER,
      "@/org/kernel/linux/storage/multipathd",
      77,
    ],
    [
      "0000000000000000: 00000004 00000000 00000000 0002 01 101 /run/systemd/journal/dev-log",
      SocketRole.LISTENER,
      "/run/systemd/journal/dev-log",
      101,
    ],
    [
      "0000000000000000: 00000002 00000000 00000000 0001 03 5 /tmp/with space",
      SocketRole.CONNECTION,
      "/tmp/with space",
      5,
    ],
    ["0000000000000000: 00000002 00000000 00000000 0002 03 6", SocketRole.CONNECTION, "", 6],
    [
      "0000000000000000: 00000002 00000000 00010000 0001 01 8 /tmp/two\nlines",
      SocketRole.LISTENER,
      "/tmp/two\nlines",
      8,
    ],
  ])("%j", (line, role, path, inode) => {
    expect(parseUnix(`${unixHeader}${line}\n`)).toEqual([
      expect.objectContaining({ protocol: SocketProtocol.UNIX, role, path, inode, address: "", port: 0 }),
    ]);
  });

  test.each([
    "0000000000000000: 00000002 00000000 00000000 0002 01 9",
    "0000000000000000: 00000002 00000000 00000000 0001 01 9",
    "0000000000000000: 00000002 00000000 00000000 0001 01 9 /tmp/bound-but-not-listening",
  ])("%s neither waits nor has a peer", (line) => {
    expect(parseUnix(`${unixHeader}${line}\n`)).toEqual([]);
  });
});

describe("a table that was read while sockets came and went", () => {
  const row = (remotePort: string, state: string, inode: number) =>
    `   0: 0100007F:01BB 0100007F:${remotePort} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 20 4 30 10 -1\n`;

  it("shows a socket once that the kernel showed twice, in its later state", () => {
    const rows = parseInet(header + row("A776", "01", 7) + row("A776", "08", 7), SocketProtocol.TCP);
    expect(withoutRepeats(rows)).toEqual([expect.objectContaining({ inode: 7, state: TcpState.CLOSE_WAIT })]);
  });

  it.each([
    ["other peers without a holder", row("A776", "06", 0) + row("A777", "06", 0)],
    ["listeners that share a port", row("0000", "0A", 7) + row("0000", "0A", 8)],
  ])("keeps %s", (_, rows) => {
    expect(withoutRepeats(parseInet(header + rows, SocketProtocol.TCP))).toHaveLength(2);
  });
});
