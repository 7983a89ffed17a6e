// Sockets that come all at once are shaken hands with a few at a time, in order. A handshake costs a millisecond: if ten thousand
// shared the processor all of them would be late together, and peers that give up and dial again would make it only later.
import type { Socket } from "node:net";

export interface SocketAdmission {
  /** Serves the socket, which nothing has read from, as soon as there is room. */
  admit(socket: Socket): void;
  /** A handshake came to its end, whichever. */
  leave(): void;
  /** Serves no more; sockets that still wait are left to whoever closes them. */
  stop(): void;
}

// Enough that the processor never waits for the network.
const handshakesAtOnce = 64;
// Peers that say nothing keep others out no longer than this.
const patienceMs = 250;

export function createSocketAdmission(serve: (socket: Socket) => void): SocketAdmission {
  const waiting = new Set<Socket>();
  let room = handshakesAtOnce;
  let timer: NodeJS.Timeout | undefined;

  function serveNext(): void {
    for (const socket of waiting) {
      if (room <= 0) break;
      waiting.delete(socket);
      room--;
      serve(socket);
    }
    if (waiting.size > 0) timer ??= setTimeout(loseTrack, patienceMs);
  }

  // Nobody came to an end for a while: those who are there are slow, and the next ones may be quick.
  function loseTrack(): void {
    timer = undefined;
    room = handshakesAtOnce;
    serveNext();
  }

  return {
    admit(socket) {
      waiting.add(socket);
      serveNext();
    },
    leave() {
      clearTimeout(timer);
      timer = undefined;
      room = Math.min(handshakesAtOnce, room + 1);
      serveNext();
    },
    stop() {
      clearTimeout(timer);
      waiting.clear();
    },
  };
}
